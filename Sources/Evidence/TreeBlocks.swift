/// The roots of every 256 leaves, each with the place at which its leaves begin: kept in a file of the store, so that
/// neither a start nor a proof reads the whole log. See FORMAT.md, "History tree".
///
/// They are no evidence in themselves: whoever can write the store can write them. A head that fits them makes them so.
internal import Bytes
package import HistoryTree
package import LogStore

package struct TreeBlock: Equatable, Sendable {
  package var root: Digest
  /// Where its first leaf lies.
  package var place: LeafPlace

  package static let level = 8
  package static let leaves: UInt64 = 1 << UInt64(level)
  static let bytes = Digest.bytes + LeafPlace.bytes + 8

  func encode(number: Int, store: StoreIdentity) -> ByteBuffer {
    var buffer = ByteBuffer(capacity: TreeBlock.bytes)
    root.append(to: &buffer)
    place.append(to: &buffer)
    buffer.append(littleEndian: Checksum.xxh3(buffer.bytes, seed: TreeBlock.seed(number, store)))
    return buffer
  }

  init(root: Digest, place: LeafPlace) {
    self.root = root
    self.place = place
  }

  init?(_ span: RawSpan, number: Int, store: StoreIdentity) {
    let checked = span.extracting(0..<(TreeBlock.bytes - 8))
    guard Checksum.xxh3(checked, seed: TreeBlock.seed(number, store)) == span.u64(TreeBlock.bytes - 8),
      let place = LeafPlace(span, at: Digest.bytes)
    else { return nil }
    root = Digest(span)
    self.place = place
  }

  /// A block of another store, or in another place, is not taken for this one.
  private static func seed(_ number: Int, _ store: StoreIdentity) -> UInt64 {
    (store.high ^ store.low) &+ UInt64(number) &* 0x9E37_79B9_7F4A_7C15
  }
}

/// The blocks in memory, with all perfect subtrees above them.
package struct TreeBlocks: Sendable {
  package private(set) var blocks: [TreeBlock] = []
  /// The roots of the perfect subtrees of level 8, 9, …
  private var levels: [[Digest]] = []

  package init() {}

  package mutating func append(_ block: TreeBlock) {
    blocks.append(block)
    var root = block.root
    var level = 0
    while true {
      if level == levels.count { levels.append([]) }
      levels[level].append(root)
      guard levels[level].count % 2 == 0 else { return }
      root = TreeHash.node(levels[level][levels[level].count - 2], root)
      level += 1
    }
  }

  /// The root of a perfect subtree of whole blocks.
  package func root(_ subtree: Subtree) -> Digest { levels[subtree.level - TreeBlock.level][Int(subtree.index)] }

  /// The frontier of the first `count` blocks.
  package func frontier(blocks count: Int) -> Frontier {
    let size = UInt64(count) * TreeBlock.leaves
    return Frontier(size: size, roots: TreeRange.subtrees(0..<size).map(root))
  }

  /// The block that holds the record with this revision, or would: the last one that begins before it.
  func block(holding revision: Revision) -> Int? {
    var low = 0
    var high = blocks.count
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].place.revisionBefore < revision { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? nil : low - 1
  }
}

/// The file of the blocks.
package struct TreeBlockFile {
  private let storage: any Storage
  private let store: StoreIdentity

  package static let name = "\(TreeFiles.directory)/blocks"
  private static let pieceBlocks = 4_096

  package init(_ storage: any Storage, store: StoreIdentity) {
    self.storage = storage
    self.store = store
  }

  /// The sound blocks at the beginning of the file, `limit` at most.
  package func read(limit: Int) throws(StorageError) -> TreeBlocks {
    var found = TreeBlocks()
    guard let file = try TreeFiles.open(TreeBlockFile.name, in: storage, writable: false) else { return found }
    var piece = ByteBuffer(capacity: TreeBlock.bytes * TreeBlockFile.pieceBlocks)
    while found.blocks.count < limit {
      piece.removeAll()
      let wanted = min(limit - found.blocks.count, TreeBlockFile.pieceBlocks)
      try file.read(
        at: UInt64(found.blocks.count * TreeBlock.bytes), length: wanted * TreeBlock.bytes, into: &piece)
      let isWhole = TreeBlockFile.append(piece, wanted, store, to: &found)
      if !isWhole { return found }
    }
    return found
  }

  /// Whether the block behind the first `count`, which are sound, is damaged: one behind it is sound, or there have to be
  /// `needed` of them. A crash leaves a torn end, and a live hub one that grows.
  func rot(behind count: Int, needed: Int) throws(StorageError) -> Int? {
    guard let file = try TreeFiles.open(TreeBlockFile.name, in: storage, writable: false) else { return nil }
    let whole = Int(clamping: try file.size()) / TreeBlock.bytes
    guard count < whole else { return nil }
    var entry = ByteBuffer(capacity: TreeBlock.bytes)
    for number in count..<whole {
      entry.removeAll()
      try file.read(at: UInt64(number * TreeBlock.bytes), length: TreeBlock.bytes, into: &entry)
      let isSound = TreeBlockFile.isSound(entry, number, store)
      // By now it may be there.
      if number == count, isSound { return nil }
      if isSound || number < needed { return count }
    }
    return nil
  }

  private static func isSound(_ entry: borrowing ByteBuffer, _ number: Int, _ store: StoreIdentity) -> Bool {
    entry.count == TreeBlock.bytes && TreeBlock(entry.bytes, number: number, store: store) != nil
  }

  private static func append(
    _ piece: borrowing ByteBuffer, _ wanted: Int, _ store: StoreIdentity, to found: inout TreeBlocks
  ) -> Bool {
    for index in 0..<(piece.count / TreeBlock.bytes) {
      let start = index * TreeBlock.bytes
      let span = piece.bytes.extracting(start..<(start + TreeBlock.bytes))
      guard let block = TreeBlock(span, number: found.blocks.count, store: store) else { return false }
      found.append(block)
    }
    return piece.count == wanted * TreeBlock.bytes
  }

  /// Writes the blocks from `first` on and makes them durable.
  package func write(_ blocks: ArraySlice<TreeBlock>) throws(StorageError) {
    guard !blocks.isEmpty else { return }
    let file = try TreeFiles.openOrCreate(TreeBlockFile.name, in: storage)
    var bytes = ByteBuffer(capacity: blocks.count * TreeBlock.bytes)
    for (number, block) in zip(blocks.indices, blocks) {
      TreeBlockFile.append(block.encode(number: number, store: store), to: &bytes)
    }
    try file.write(bytes.bytes, at: UInt64(blocks.startIndex * TreeBlock.bytes))
    try file.sync()
  }

  private static func append(_ block: borrowing ByteBuffer, to bytes: inout ByteBuffer) { bytes.append(block.bytes) }
}

/// The directory of the tree's files.
enum TreeFiles {
  static let directory = "tree"

  static func open(
    _ name: String, in storage: any Storage, writable: Bool
  ) throws(StorageError) -> (any StorageFile)? {
    do {
      return try storage.open(name, writable: writable)
    } catch {
      guard error.errno == PosixText.missing else { throw error }
      return nil
    }
  }

  static func openOrCreate(_ name: String, in storage: any Storage) throws(StorageError) -> any StorageFile {
    if let file = try open(name, in: storage, writable: true) { return file }
    try storage.makeDirectory(directory)
    try storage.syncDirectory("")
    let file = try storage.create(name)
    try storage.syncDirectory(directory)
    return file
  }
}
