/// Checks a log against the heads that its store keeps, and against heads that were saved elsewhere. Never writes.
///
/// Whoever can write the store can compute every checksum anew, and the store's own blocks too. What they can not make is
/// a head that the key has signed; what they can not reach is a head that was saved elsewhere.
internal import Bytes
package import HistoryTree
package import LogStore

package final class TreeVerifier {
  private struct CheckedHead {
    let head: SignedHead
    let isSaved: Bool
    var fits = false
    /// The roots of the subtrees below a block that the log gives at this size.
    var openRoots: [Digest] = []
    /// The last record that it covers.
    var end: RecordSpan.End?
  }

  private let key: VerifierKey?
  private var heads: [CheckedHead]
  /// The next one whose size the log has not reached.
  private var nextHead = 0
  private let stored: TreeBlocks
  /// The number of a stored block that is not what was written.
  private let rotten: Int?
  private let pool = LeafPool()
  /// The tree of the whole blocks, and that of the leaves behind them.
  private var whole = Frontier()
  private var blocks: [Digest] = []
  private var blockStarts: [RecordSpan.End] = []
  private var block = Frontier()
  private var last: RecordSpan.End?
  private var report = TreeReport()

  /// - Parameters:
  ///   - saved: heads that were kept outside of the store.
  ///   - key: what heads must be signed with; nil when that is not known.
  package init(
    _ storage: any Storage, store: StoreIdentity, saved: [SignedHead], key: VerifierKey?
  ) throws(StorageError) {
    self.key = key
    let kept = try HeadFile(storage).read()
    report.newestHead = kept.last
    let file = TreeBlockFile(storage, store: store)
    stored = try file.read(limit: .max)
    // The hub makes heads durable after the blocks below them: a bad block behind the last of those is a torn end.
    rotten = try file.rot(
      behind: stored.blocks.count, needed: Int(clamping: (kept.last?.head.size ?? 0) / TreeBlock.leaves))
    heads = kept.map { CheckedHead(head: $0, isSaved: false) } + saved.map { CheckedHead(head: $0, isSaved: true) }
    heads.sort { $0.head.head.size < $1.head.head.size }
    noteHeads(kept)
    check(size: 0)
  }

  private func noteHeads(_ kept: [SignedHead]) {
    guard let newest = kept.last else {
      report.notes.append("the store keeps no head: only one that was saved elsewhere can show a change")
      return
    }
    if newest.signature == nil {
      report.notes.append(
        "the store's heads are not signed: whoever can change the log can change them too; a saved head counts")
    } else if key == nil {
      report.notes.append("without the public key it is not known who signed the store's heads")
    }
    if newest.head.beginning.leaves > 0 {
      report.notes.append(
        "the tree was begun at \(newest.head.beginning.time) (microseconds since 1970): the first "
          + "\(newest.head.beginning.leaves) records were taken as they were found then")
    }
  }

  /// Heads that the log is compared with: those of the store and those that were saved.
  package var headCount: Int { heads.count }

  private var size: UInt64 { whole.size + block.size }
  private var root: Digest { Frontier(size: size, roots: whole.roots + block.roots).root }

  // MARK: The records

  /// Takes in the next record of the log, in the order of a replay.
  package func add(
    _ header: RecordHeader, _ record: RawSpan, _ origin: RecordOrigin, at position: RecordPosition
  ) throws(LogError) {
    try pool.add(header, record, origin, at: position) { add($0) }
  }

  /// Takes leaves in: as many at once as lie before the end of a block, and before the size of the next head.
  func add(_ leaves: HashedLeaves) {
    var start = 0
    while start < leaves.hashes.count {
      if block.size == 0 { blockStarts.append(end(at: leaves.places[start])) }
      var most = TreeBlock.leaves - block.size
      if nextHead < heads.count { most = min(most, heads[nextHead].head.head.size - size) }
      let run = start..<Int(min(UInt64(start) + most, UInt64(leaves.hashes.count)))
      for place in leaves.places[run] { last = end(at: place) }
      block.append(leaves: leaves.hashes[run])
      if block.size == TreeBlock.leaves { closeBlock() }
      check(size: size)
      start = run.upperBound
    }
  }

  private func end(at place: HashedLeaves.Place) -> RecordSpan.End {
    RecordSpan.End(
      segment: place.position.segment, offset: UInt64(place.position.offset),
      revision: place.revision == .none ? last?.revision ?? .none : place.revision)
  }

  private func closeBlock() {
    blocks.append(block.root)
    whole.append(subtree: block.root, level: TreeBlock.level)
    block = Frontier()
  }

  private func check(size: UInt64) {
    while nextHead < heads.count, heads[nextHead].head.head.size <= size {
      heads[nextHead].fits = heads[nextHead].head.head.root == root
      heads[nextHead].openRoots = block.roots
      heads[nextHead].end = last
      nextHead += 1
    }
  }

  // MARK: The outcome

  /// - Parameter isClosed: the log ends with the stamp of a clean close.
  package func finish(isClosed: Bool) -> TreeReport {
    pool.finish { add($0) }
    report.leaves = size
    report.root = root
    checkSignatures()
    report.headsThatFit = heads[..<nextHead].count(where: \.fits)
    findCut()
    findChange()
    if report.findings.isEmpty { compareBlocks() }
    noteRot()
    checkCover(isClosed: isClosed)
    return report
  }

  private func checkSignatures() {
    guard let key else { return }
    for checked in heads where !checked.head.isSigned(by: key) {
      let which = checked.isSaved ? "the saved head" : "a head of the store"
      report.findings.append(
        TreeFinding(
          kind: .forgedHead,
          message: "\(which) at \(checked.head.head.size) records is not signed by \(key.name) (\(key.idText))",
          place: nil))
    }
  }

  /// The head that speaks of the most records, if the log has fewer.
  private func findCut() {
    guard let ahead = heads.last, ahead.head.head.size > size else { return }
    let knows = heads.contains { !$0.isSaved && $0.head.head.size > size }
    let head = ahead.head.head
    let good = heads[..<nextHead].last { $0.fits }
    let proven = good?.head.head.size ?? 0
    let unproven =
      proven == size
      ? "" : ", and nothing proves what comes behind revision \(good?.head.head.revision ?? 0)"
    let place = last.map {
      RecordSpan(leaves: proven..<head.size, first: good?.end ?? blockStarts[0], last: $0)
    }
    report.findings.append(
      TreeFinding(
        kind: knows ? .cut : .rolledBack,
        message:
          "\(head.size - size) records are missing at the end: \(ahead.isSaved ? "the saved" : "a stored") "
          + "head of \(head.time) speaks of \(head.size), up to revision \(head.revision); the log ends with revision "
          + "\(last?.revision ?? .none)\(unproven)", place: place))
  }

  private func findChange() {
    guard let wrong = heads[..<nextHead].first(where: { !$0.fits }), let end = wrong.end else {
      // A head of no records with the root of some.
      if let wrong = heads[..<nextHead].first(where: { !$0.fits }) {
        report.findings.append(
          TreeFinding(kind: .changed, message: "a head of \(wrong.head.head.size) records has another root", place: nil)
        )
      }
      return
    }
    let head = wrong.head.head
    let good = heads[..<nextHead].last { $0.fits && $0.head.head.size < head.size }
    var span = RecordSpan(
      leaves: (good?.head.head.size ?? 0)..<head.size, first: good?.end ?? blockStarts[0], last: end)
    var message =
      "records are not those that \(wrong.isSaved ? "the saved" : "a stored") head of \(head.time) speaks of: "
    if let first = firstDifference() {
      let block = blockSpan(first)
      if heads[..<nextHead].contains(where: { $0.head.head.size >= block.leaves.upperBound && isProven($0) }) {
        span = span.narrowed(to: block)
        message += "the heads prove that the first change is \(span.text)"
      } else {
        message += "the first change is \(span.text); the store's own roots of blocks say \(block.text)"
      }
    } else {
      message += "the first change is \(span.text)"
    }
    report.findings.append(TreeFinding(kind: .changed, message: message, place: span))
  }

  /// The first block of which the store keeps another root than the log gives.
  private func firstDifference() -> Int? {
    (0..<min(stored.blocks.count, blocks.count)).first { stored.blocks[$0].root != blocks[$0] }
  }

  private func blockSpan(_ number: Int) -> RecordSpan {
    let first = UInt64(number) * TreeBlock.leaves
    let isLast = number + 1 >= blockStarts.count
    let end = isLast ? last ?? blockStarts[number] : blockStarts[number + 1]
    return RecordSpan(
      leaves: first..<min(first + TreeBlock.leaves, size), first: blockStarts[number], last: end)
  }

  /// Whether the store's blocks, with what the log has behind the last of them, give the head's root: then they are
  /// those that the head was made of, and name the place for certain.
  private func isProven(_ checked: CheckedHead) -> Bool {
    let whole = Int(checked.head.head.size / TreeBlock.leaves)
    guard stored.blocks.count >= whole else { return false }
    let roots = stored.frontier(blocks: whole).roots + checked.openRoots
    return Frontier(size: checked.head.head.size, roots: roots).root == checked.head.head.root
  }

  private func compareBlocks() {
    guard let first = firstDifference() else { return }
    let place = blockSpan(first)
    report.findings.append(
      TreeFinding(
        kind: .blocks,
        message:
          "the log does not fit the roots of blocks that the store keeps, from \(place.text) on; no head says which "
          + "of them was changed", place: place))
  }

  private func noteRot() {
    guard let rotten else { return }
    report.findings.append(
      TreeFinding(
        kind: .rot,
        message:
          "\(TreeBlockFile.name) has a wrong checksum in block \(rotten), at byte \(rotten * TreeBlock.bytes); the log "
          + "has all that is in it, and the next start of the hub makes it anew from there", place: nil))
  }

  private func checkCover(isClosed: Bool) {
    guard let newest = report.newestHead, newest.head.size < size else { return }
    let count = size - newest.head.size
    let message = "the last \(count) records, behind revision \(newest.head.revision), have no head"
    if isClosed {
      report.findings.append(
        TreeFinding(
          kind: .uncovered, message: "\(message), although the store was closed in good order",
          place: last.map { RecordSpan(leaves: newest.head.size..<size, first: $0, last: $0) }))
    } else {
      report.notes.append("\(message) yet")
    }
  }
}

extension TreeVerifier {
  /// Reads a store and checks it.
  ///
  /// - Throws: `LogError` where the log can not be read.
  package static func check(
    _ storage: any Storage, saved: [SignedHead] = [], key: VerifierKey? = nil
  ) throws(LogError) -> TreeReport {
    let directory = try StoreDirectory.load(storage, writable: false)
    let verifier: TreeVerifier
    // The heads first: a live store writes them behind the records that they speak of.
    do {
      verifier = try TreeVerifier(storage, store: directory.manifest.store, saved: saved, key: key)
    } catch {
      throw LogError(error)
    }
    let tail = try TailExaminer(directory).examine()
    let log = try DurableEnd.find(in: directory)
    var reader = LeafReader(at: LeafPlace(beginningOf: log))
    try reader.read(log) { (leaf, _) throws(LogError) in
      try verifier.add(leaf.header, leaf.record, leaf.origin, at: leaf.position)
      return true
    }
    return verifier.finish(isClosed: tail.isClean)
  }
}
