/// The state that the log stands for, computed anew from the items, and what each snapshot says of it.
internal import Bytes
internal import Hub
internal import LogStore

final class StateVerifier {
  let state = LogState()
  private let store: StoreInspection
  private let report: Report
  /// Snapshots whose revision is not reached yet, the nearest one last.
  private var waiting: [SnapshotCheck] = []
  private(set) var snapshotsRead = 0
  /// All records so far are there: links between them can be checked.
  private var knowsAll: Bool

  init(_ store: StoreInspection, _ report: Report) {
    self.store = store
    self.report = report
    knowsAll = store.beginsAtFirstRevision
  }

  // MARK: Snapshots

  /// Reads every snapshot to its end.
  func readSnapshots() {
    do {
      let found = try store.snapshots()
      for problem in found.problems { takeDamage(problem) }
      for reader in found.readers {
        do throws(LogError) {
          waiting.append(try SnapshotCheck(reader))
          snapshotsRead += 1
        } catch {
          takeDamage(error)
        }
      }
    } catch {
      takeDamage(error)
    }
    waiting.sort { $0.revision > $1.revision }
    // What a snapshot says is only a hint: no log has more keys than it has room for records.
    let room = store.segments.reduce(0) { $0 + ($1.readable?.file.header.capacity ?? 0) } / StateVerifier.recordBytesMin
    state.expect(keys: Int(min(waiting.map(\.keys).max() ?? 0, room)))
  }

  private func takeDamage(_ error: LogError) {
    // Removed by a live store since its name was read.
    if error.systemError == PosixText.missing { return }
    let kind: InspectionIssue.Kind =
      switch error.systemError {
      case PosixText.accessDenied, PosixText.notPermitted: .denied
      case nil: .damage
      default: .unreadable
      }
    report.take(InspectionIssue(kind, error.message))
  }

  /// Compares the snapshots of revisions before `next` with the state as it is.
  private func compareSnapshots(before next: Revision) {
    while let snapshot = waiting.last, snapshot.revision < next {
      waiting.removeLast()
      compare(snapshot)
    }
  }

  private func compare(_ snapshot: SnapshotCheck) {
    let files = store.segments.compactMap { $0.readable?.file }
    let isKept = snapshot.generations.allSatisfy { named in
      files.contains { $0.number == named.number && $0.header.keepsPlaces(of: named.generation) }
    }
    guard isKept else {
      report.take(
        InspectionIssue(.note, "\(snapshot.name) speaks of segments that are not there any more; it is passed over"))
      return
    }
    guard knowsAll else { return }
    if snapshot.revision > state.revision {
      report.take(
        InspectionIssue(
          .damage, "\(snapshot.name) is of revision \(snapshot.revision), the log ends at \(state.revision)"))
    } else if let difference = snapshot.difference(from: state) {
      report.take(InspectionIssue(.damage, "\(difference); remove it, the log tells what is true"))
    }
  }

  // MARK: Records

  /// An event that was read and is not compared with the state yet.
  private struct Pending {
    let fields: RecordFields
    let stateHash: UInt128
    let segment: SegmentNumber
    let offset: Int
  }

  private var pending: [Pending] = []
  /// Their keys.
  private var pendingKeys: [KeyHash] = []
  /// Enough that the waits for the memory overlap.
  private static let pendingMax = 64

  private static let recordBytesMin: UInt64 = 128

  /// Something is lost or was lost: from here on the state is only what can be told.
  func note(_ issue: InspectionIssue) {
    takePending()
    if issue.segment != nil || issue.lost != nil { knowsAll = false }
  }

  func take(_ record: InspectedRecord, _ bytes: RawSpan) {
    let header = record.header
    if header.fields.operation == .redaction { redacted.formUnion(RedactionRecord.revisions(of: header, bytes)) }
    if header.codec == .redacted { erased.insert(header.fields.revision) }
    guard header.fields.operation.takesRevision else { return }
    pendingKeys.append(KeyHash(bytes.extracting(header.keyRange)))
    pending.append(
      Pending(
        fields: header.fields, stateHash: state.stateHash(header, bytes), segment: record.segment.number,
        offset: record.offset))
    if pending.count == StateVerifier.pendingMax { takePending() }
  }

  private func takePending() {
    state.approach(pendingKeys)
    for (event, key) in zip(pending, pendingKeys) { take(event, of: key) }
    pending.removeAll(keepingCapacity: true)
    pendingKeys.removeAll(keepingCapacity: true)
  }

  private func take(_ event: Pending, of key: KeyHash) {
    compareSnapshots(before: event.fields.revision)
    let place = state.place(of: key)
    if let flaw = state.flaw(event.fields, stateHash: event.stateHash, at: place, knowsAll: knowsAll) {
      report.take(
        InspectionIssue(
          .damage, "revision \(event.fields.revision): \(flaw.text)", segment: event.segment,
          offset: UInt64(event.offset)))
    }
    state.apply(event.fields, stateHash: event.stateHash, at: place)
  }

  func finish() {
    takePending()
    compareSnapshots(before: Revision(.max))
    takeRedactions()
  }

  // MARK: Redactions

  /// What redaction records name.
  private var redacted: Set<Revision> = []
  /// Met without its payload.
  private var erased: Set<Revision> = []
  /// Items that are redacted and whose bytes are still there.
  private(set) var unerased = 0

  /// Redacted items count as such from their redaction on, also where the bytes are still there. Only now: a snapshot that
  /// is still there is from before, and was compared with the items as they were.
  private func takeRedactions() {
    let left = redacted.subtracting(erased)
    guard !left.isEmpty else { return }
    let survey = UnerasedSurvey(left)
    var inspector = LogInspector(store, visitor: survey)
    inspector.run()
    for item in survey.items { state.redact(item.revision, of: item.key, to: item.stateHash) }
    unerased = survey.items.count
  }
}

/// Reads what is redacted and not erased yet.
private final class UnerasedSurvey: InspectionVisitor {
  struct Item {
    let revision: Revision
    let key: KeyHash
    /// The checksum's block that it has as a redacted one.
    let stateHash: UInt128
  }

  private(set) var items: [Item] = []
  private let revisions: Set<Revision>

  init(_ revisions: Set<Revision>) { self.revisions = revisions }

  func begin(_ segment: InspectedSegment.Readable) {}
  func visit(_ frame: FrameHeader, at offset: Int) {}
  func report(_ issue: InspectionIssue) {}

  func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    let header = record.header
    guard header.fields.operation.isPut, header.codec != .redacted, revisions.contains(header.fields.revision),
      let hash = try? RecordLeaf.redactedStateHash(header, bytes)
    else { return true }
    items.append(
      Item(revision: header.fields.revision, key: KeyHash(bytes.extracting(header.keyRange)), stateHash: hash))
    return true
  }
}

extension SegmentFile {
  var generation: SegmentGeneration { SegmentGeneration(number: number, generation: header.generation) }
}
