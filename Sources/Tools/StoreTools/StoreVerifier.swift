/// Checks all of a store: every frame and record, the manifest, the tables of the seals, the links between the versions
/// of a key, the snapshots against the log; and computes the state checksum anew from the stored items.
internal import Bytes
package import Evidence
internal import Hub
package import LogStore

package final class StoreVerifier: InspectionVisitor {
  private let store: StoreInspection
  private let report: Report
  private let progress: Progress
  private let states: StateVerifier
  private var seals = SealVerifier()
  private var passed = Passed()

  /// What was read.
  package struct Passed: Sendable {
    package var segments: UInt64 = 0
    package var frames: UInt64 = 0
    package var records: UInt64 = 0
    /// Of frames and segment headers.
    package var bytes: UInt64 = 0
    package var epoch: UInt64 = 0
  }

  package struct Outcome: Sendable {
    package let revision: Revision
    package let keys: Int
    /// 32 hexadecimal digits.
    package let checksum: String
    package let events: UInt64
    package let snapshots: Int
    /// Redacted items whose bytes are still there.
    package let unerased: Int
    /// Heads that the history tree was compared with.
    package let heads: Int
    package let passed: Passed
  }

  /// Where the history tree comes in: it takes the same records in the same order. Nil where it can not be checked.
  private let tree: TreeVerifier?

  private init(_ store: StoreInspection, _ report: Report, _ progress: Progress, _ tree: TreeVerifier?) {
    self.tree = tree
    self.store = store
    self.report = report
    self.progress = progress
    states = StateVerifier(store, report)
  }

  /// Reads the whole store. What is wrong goes to `report`, which also knows the exit code.
  ///
  /// - Parameter tree: checks the records against the heads that the store keeps, and against others.
  package static func run(
    _ store: StoreInspection, tree: TreeVerifier? = nil, report: Report, progress: Progress
  ) -> Outcome {
    let verifier = StoreVerifier(store, report, progress, tree)
    verifier.checkManifest()
    verifier.states.readSnapshots()
    var inspector = LogInspector(store, visitor: verifier)
    inspector.run()
    verifier.states.finish()
    verifier.finishTree()
    progress.clear()
    return verifier.outcome
  }

  private var outcome: Outcome {
    let state = states.state
    let counts = state.eventCounts
    return Outcome(
      revision: state.revision, keys: state.keyCount, checksum: state.checksum.text,
      events: counts.create + counts.update + counts.delete + counts.expire, snapshots: states.snapshotsRead,
      unerased: states.unerased, heads: tree?.headCount ?? 0, passed: passed)
  }

  /// The manifest's entries against the segments' own headers.
  private func checkManifest() {
    for entry in store.manifest?.segments ?? [] {
      guard let segment = store.segments.first(where: { $0.number == entry.number })?.readable, !segment.hasLostHeader
      else { continue }
      let header = segment.file.header
      if header.generation == entry.generation, header.capacity != entry.capacity, isReplacedSpare(segment) {
        report.take(
          InspectionIssue(
            .note, "an opening that was cut short has made it anew, and the manifest does not know yet",
            segment: entry.number))
      } else if header.generation != entry.generation || header.capacity != entry.capacity {
        report.take(
          InspectionIssue(
            .damage,
            "the manifest lists it as generation \(entry.generation) with \(entry.capacity) bytes, its header says "
              + "\(header.generation) and \(header.capacity)", segment: entry.number))
      }
    }
  }

  /// Whether it was kept ready when the manifest was written: a recovery puts what it has copied in its place, and
  /// writes the manifest after that.
  private func isReplacedSpare(_ segment: InspectedSegment.Readable) -> Bool {
    let isEmptied = !segment.isInUse || segment.file.header.predecessorEnd != 0
    return isEmptied
      && store.segments.allSatisfy { other in
        other.number <= segment.file.number || !(other.readable?.isInUse ?? true)
      }
  }

  // MARK: The log

  package func begin(_ segment: InspectedSegment.Readable) {
    passed.segments += 1
    passed.bytes += UInt64(Layout.SegmentHeader.blockBytes)
    seals.begin(segment.file)
  }

  package func visit(_ frame: FrameHeader, at offset: Int) {
    passed.frames += 1
    passed.bytes += UInt64(frame.frameBytes)
    passed.epoch = max(passed.epoch, frame.epoch)
    if let issue = seals.take(frame, at: offset) { report.take(issue) }
  }

  package func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    passed.records += 1
    progress.update(bytes: passed.bytes, events: passed.records)
    states.take(record, bytes)
    takeLeaf(record, bytes)
    return true
  }

  private func takeLeaf(_ record: InspectedRecord, _ bytes: RawSpan) {
    let position = RecordPosition(
      segment: record.segment.number, offset: UInt32(record.offset), length: record.header.recordBytes)
    let origin = RecordOrigin(lineage: record.segment.header.lineage, epoch: record.epoch)
    do {
      try tree?.add(record.header, bytes, origin, at: position)
    } catch {
      report.take(InspectionIssue(.damage, error.message, segment: position.segment, offset: UInt64(position.offset)))
    }
  }

  /// What the heads say of the log.
  private func finishTree() {
    guard let found = tree?.finish(isClosed: false) else { return }
    for finding in found.findings {
      // Records that were found damaged are missing in the tree: nobody has cut them off.
      let isKnown = finding.kind == .cut && report.lostRevisions > 0
      report.take(
        InspectionIssue(
          isKnown ? .note : .damage, "history tree, \(finding.kind.rawValue): \(finding.message)",
          segment: finding.place?.first.segment, offset: finding.place?.first.offset))
    }
    for note in found.notes { report.take(InspectionIssue(.note, "history tree: \(note)")) }
  }

  package func report(_ issue: InspectionIssue) {
    if issue.lost != nil || issue.isDamage { states.note(issue) }
    report.take(issue)
  }
}

/// Compares the table in a seal with the frames that it names. It may name fewer than it should: before version 2 a
/// recovery in the weaker modes left one out, and whoever looks a revision up finds it all the same.
private struct SealVerifier {
  private var segment: SegmentFile?
  private var hasCommits = false

  mutating func begin(_ segment: SegmentFile) {
    self.segment = segment
    hasCommits = false
  }

  mutating func take(_ frame: FrameHeader, at offset: Int) -> InspectionIssue? {
    if frame.kind == .commit, frame.firstRevision <= frame.lastRevision { hasCommits = true }
    guard frame.kind == .seal, let segment else { return nil }
    let start = offset + Layout.FrameHeader.size
    guard let body = SealVerifier.read(start, Int(frame.bodyBytes), segment),
      let table = try? CommitTable.decodeSealBody(body.bytes, seed: segment.seed, offset: start),
      !hasCommits || !table.entries.isEmpty, table.entries.allSatisfy({ SealVerifier.isTrue($0, in: segment) })
    else {
      return InspectionIssue(
        .damage, "the table in the seal does not say where the commits lie", segment: segment.number,
        offset: UInt64(offset))
    }
    return nil
  }

  private static func isTrue(_ entry: CommitTable.Entry, in segment: SegmentFile) -> Bool {
    guard let offset = Int(exactly: entry.offset), let bytes = read(offset, Layout.FrameHeader.size, segment),
      let frame = try? FrameHeader.decode(bytes.bytes, seed: segment.seed, offset: offset)
    else { return false }
    return frame.kind == .commit && frame.firstRevision == entry.firstRevision && frame.time == entry.time
      && frame.frameBytes == Int(entry.frameBytes)
  }

  private static func read(_ offset: Int, _ length: Int, _ segment: SegmentFile) -> ByteBuffer? {
    guard offset >= 0, offset + length <= Int(clamping: segment.header.capacity) else { return nil }
    var bytes = ByteBuffer(capacity: length)
    guard (try? segment.file.read(at: UInt64(offset), length: length, into: &bytes)) != nil, bytes.count == length
    else { return nil }
    return bytes
  }
}
