/// Follows a log with its history tree: hashes what has become durable, keeps blocks and heads, goes on after a restart
/// without reading the whole log again. One thread owns it.
internal import Bytes
package import HistoryTree
package import LogStore

package struct TreeOptions: Sendable {
  /// What heads are signed with; nil: they bear no signature.
  package var key: SignerKey?
  /// Where the stored tree does not fit the log: give it up, and say so in every head from now on.
  package var beginsAnew = false

  package init() {}
}

/// Why the tree does not go on.
package struct TreeProblem: Error, Equatable, Sendable {
  package enum Kind: Sendable {
    /// The log is not the one that the stored heads speak of.
    case contradiction
    /// The disk refused; tried again when there is a chance.
    case disk
  }
  package let kind: Kind
  package let message: String
  /// Whether another attempt may go better.
  package let mayPass: Bool

  init(_ kind: Kind, _ message: String, mayPass: Bool = false) {
    self.kind = kind
    self.message = message
    self.mayPass = mayPass
  }

  init(_ error: LogError) { self.init(.disk, error.description) }
  init(_ error: StorageError) {
    self.init(.disk, LogError(error).message, mayPass: error.isForWantOfSpace)
  }
}

package final class TreeFollower {
  private let storage: any Storage
  private let store: StoreIdentity
  private let key: SignerKey?
  private let blockFile: TreeBlockFile
  private let headFile: HeadFile
  private var reader: LeafReader
  private(set) var blocks = TreeBlocks()
  /// Blocks that the file has.
  private var storedBlocks = 0
  /// The tree of the leaves behind the last whole block, those leaves, and where the first of them lies.
  private var openTree = Frontier()
  private(set) var openLeaves: [Digest] = []
  private(set) var openPlace: LeafPlace
  /// Records that were read behind those, and whose leaves are not hashed yet.
  private var gathered = LeafMessages()
  private var origin: RecordOrigin
  private var beginning: TreeBeginning?
  private(set) var heads: [SignedHead] = []
  /// What the operator should hear of.
  package private(set) var notices: [String] = []

  /// Records are gathered up to the end of a block, and up to so many bytes.
  private static let gatheredBytesMax = 256 << 10

  /// Takes up the tree that the store has, checks it against the log where it goes on, or begins a new one.
  ///
  /// - Throws: `contradiction` when the stored head does not fit the log and the options do not say to begin anew.
  package init(
    _ storage: any Storage, store: StoreIdentity, options: TreeOptions, log: DurableEnd, now: Int64
  ) throws(TreeProblem) {
    self.storage = storage
    self.store = store
    key = options.key
    blockFile = TreeBlockFile(storage, store: store)
    headFile = HeadFile(storage)
    let start = LeafPlace(beginningOf: log)
    reader = LeafReader(at: start)
    openPlace = start
    origin = RecordOrigin(lineage: log.segments[log.segments.count - 1].header.lineage, epoch: 0)
    do {
      try open(options, log, now: now)
    } catch let error as TreeProblem {
      throw error
    } catch let error as LogError {
      throw TreeProblem(error)
    } catch let error as StorageError {
      throw TreeProblem(error)
    } catch {
      preconditionFailure("only errors of the log, the storage and the tree are thrown here: \(error)")
    }
  }

  private func open(_ options: TreeOptions, _ log: DurableEnd, now: Int64) throws {
    try headFile.sweep()
    heads = try headFile.read()
    try headFile.dropUnreadable(heads)
    guard let newest = heads.last else { return try begin(log, now: now) }
    guard isOurs(newest) else {
      notices.append(
        "the newest stored head is not signed by the key in use: the history tree is begun anew, which its heads will say"
      )
      return try beginAnew(log, now: now)
    }
    do {
      try resume(newest.head, log)
    } catch let problem as TreeProblem where options.beginsAnew && problem.kind == .contradiction {
      notices.append("\(problem.message); the history tree is begun anew, which its heads will say")
      try beginAnew(log, now: now)
    }
  }

  private func isOurs(_ head: SignedHead) -> Bool {
    guard let key else { return head.signature == nil }
    return head.isSigned(by: key.verifier)
  }

  // MARK: Beginning

  /// A store without a tree: what is in the log already is taken as it is found.
  private func begin(_ log: DurableEnd, now: Int64) throws {
    try advance(to: log)
    beginning = TreeBeginning(time: now, leaves: size)
    if size > 0 {
      notices.append(
        "the history tree begins with this start: \(size) records were there before, and are taken as found")
    }
  }

  private func beginAnew(_ log: DurableEnd, now: Int64) throws {
    try headFile.giveUp(at: now)
    heads = []
    restart(blocks: 0, log)
    storedBlocks = 0
    try begin(log, now: now)
  }

  private func restart(blocks count: Int, _ log: DurableEnd) {
    var kept = TreeBlocks()
    for block in blocks.blocks[..<count] { kept.append(block) }
    let place = count < blocks.blocks.count ? blocks.blocks[count].place : LeafPlace(beginningOf: log)
    blocks = kept
    openTree = Frontier()
    openLeaves = []
    openPlace = place
    reader = LeafReader(at: place)
  }

  // MARK: Going on

  /// Goes on behind a stored head. The last whole block before it is hashed anew, with the leaves behind it: when these
  /// and the stored blocks give the head's root, blocks and log are those that the head speaks of.
  private func resume(_ head: TreeHead, _ log: DurableEnd) throws {
    beginning = head.beginning
    let whole = Int(head.size / TreeBlock.leaves)
    blocks = try blockFile.read(limit: whole)
    storedBlocks = blocks.blocks.count
    let isWhole = blocks.blocks.count == whole
    if !isWhole {
      notices.append("the file \(TreeBlockFile.name) is damaged or short: it is made anew from the log")
      storedBlocks = 0
    }
    restart(blocks: isWhole ? max(whole - 1, 0) : 0, log)
    if head.size > 0 {
      try read(log) { $0 < head.size }
    }
    guard size == head.size else {
      throw TreeProblem(
        .contradiction,
        "the log ends behind \(size) records, the head of \(head.time) speaks of \(head.size) (revision "
          + "\(head.revision)): records that were durable are gone")
    }
    guard root == head.root else {
      throw TreeProblem(
        .contradiction,
        "the first \(head.size) records of the log are not those that the stored head speaks of (revision "
          + "\(head.revision)); look with logstore-verify")
    }
    try advance(to: log)
  }

  /// Hashes what `log` has more than before.
  package func advance(to log: DurableEnd) throws(LogError) { try read(log) { _ in true } }

  /// - Parameter goesOn: whether more is wanted, with so many leaves.
  private func read(_ log: DurableEnd, while goesOn: (UInt64) -> Bool) throws(LogError) {
    defer { hashGathered() }
    try reader.read(log) { (leaf, before) throws(LogError) in
      try take(leaf, before)
      return goesOn(size + UInt64(gathered.count))
    }
  }

  private func take(_ leaf: borrowing LeafRecord, _ before: LeafPlace) throws(LogError) {
    if openLeaves.isEmpty && gathered.count == 0 { openPlace = before }
    try gathered.add(leaf.header, leaf.record, leaf.origin)
    origin = leaf.origin
    let isWhole = openTree.size + UInt64(gathered.count) == TreeBlock.leaves
    if isWhole || gathered.byteCount >= TreeFollower.gatheredBytesMax { hashGathered() }
  }

  private func hashGathered() {
    let leaves = gathered.hash()
    openTree.append(leaves: leaves[...])
    openLeaves += leaves
    guard openTree.size == TreeBlock.leaves else { return }
    blocks.append(TreeBlock(root: openTree.root, place: openPlace))
    openTree = Frontier()
    openLeaves.removeAll(keepingCapacity: true)
  }

  // MARK: Heads

  package var size: UInt64 { UInt64(blocks.blocks.count) * TreeBlock.leaves + openTree.size }

  private var root: Digest {
    Frontier(size: size, roots: blocks.frontier(blocks: blocks.blocks.count).roots + openTree.roots).root
  }

  package var newestHead: SignedHead? { heads.last }

  /// Whether there is something that no head covers.
  package var needsHead: Bool { heads.last?.head.size != size }

  /// Makes blocks durable, then a head of all leaves so far.
  package func writeHead(now: Int64) throws(TreeProblem) {
    guard let beginning else { preconditionFailure("a tree has a beginning before it has a head") }
    let head = TreeHead(
      lineage: origin.lineage.description, size: size, root: root, epoch: origin.epoch,
      revision: reader.place.revisionBefore.value, time: max(now, heads.last?.head.time ?? now), beginning: beginning)
    do {
      try blockFile.write(blocks.blocks[storedBlocks...])
      storedBlocks = blocks.blocks.count
      try headFile.append(SignedHead(head, key: key), to: &heads)
    } catch {
      throw TreeProblem(error)
    }
  }
}
