/// The heads that the store keeps, oldest first: a text file in slots of 1 KiB. See FORMAT.md, "History tree".
internal import Bytes
package import HistoryTree
package import LogStore

package struct HeadFile {
  private let storage: any Storage

  package static let name = "\(TreeFiles.directory)/heads"
  private static let temporary = name + ".tmp"
  static let slotBytes = 1_024
  /// With so many heads the older half of them is thinned out: what is left lies ever further apart the older it is.
  package static let slotsMax = 1_024

  package init(_ storage: any Storage) { self.storage = storage }

  /// Removes what a crash left half written.
  func sweep() throws(StorageError) { try storage.removeIfThere(HeadFile.temporary) }

  /// All heads that can be read. One that a crash cut short, or that somebody has damaged, is left out.
  package func read() throws(StorageError) -> [SignedHead] {
    guard let file = try TreeFiles.open(HeadFile.name, in: storage, writable: false) else { return [] }
    var bytes = ByteBuffer(capacity: HeadFile.slotBytes * 64)
    try file.read(at: 0, length: HeadFile.slotBytes * HeadFile.slotsMax, into: &bytes)
    return HeadFile.heads(in: bytes)
  }

  /// Writes the file anew when it holds more slots than heads: the next one goes behind the last that can be read.
  func dropUnreadable(_ heads: [SignedHead]) throws(StorageError) {
    guard let file = try TreeFiles.open(HeadFile.name, in: storage, writable: false),
      try file.size() != UInt64(heads.count * HeadFile.slotBytes)
    else { return }
    var kept = heads
    try replace(with: heads, &kept)
  }

  /// Moves the heads of a tree that is given up aside: they stay as evidence of what was.
  func giveUp(at time: Int64) throws(StorageError) {
    guard try TreeFiles.open(HeadFile.name, in: storage, writable: false) != nil else { return }
    try storage.rename(HeadFile.name, to: "\(HeadFile.name)-given-up-\(time)")
    try storage.syncDirectory(TreeFiles.directory)
  }

  private static func heads(in bytes: borrowing ByteBuffer) -> [SignedHead] {
    (0..<(bytes.count / slotBytes)).compactMap { slot in
      head(bytes.bytes.extracting((slot * slotBytes)..<((slot + 1) * slotBytes)).array())
    }
  }

  /// A slot holds the note and line breaks up to its end; an unsigned note ends with one itself.
  private static func head(_ slot: [UInt8]) -> SignedHead? {
    let text = slot.prefix { $0 != 0 }
    let note = String(
      decoding: text.prefix(text.count - text.reversed().prefix { $0 == lineBreak }.count), as: UTF8.self)
    return SignedHead(text: note + "\n") ?? SignedHead(text: note + "\n\n")
  }

  private static let lineBreak = UInt8(ascii: "\n")

  /// Adds a head behind `heads`, those of the file, and makes it durable.
  package func append(_ head: SignedHead, to heads: inout [SignedHead]) throws(StorageError) {
    if heads.count >= HeadFile.slotsMax {
      try replace(with: HeadFile.thinned(heads) + [head], &heads)
      return
    }
    let file = try TreeFiles.openOrCreate(HeadFile.name, in: storage)
    try file.write(HeadFile.slot(head).bytes, at: UInt64(heads.count * HeadFile.slotBytes))
    try file.sync()
    heads.append(head)
  }

  static func thinned(_ heads: [SignedHead]) -> [SignedHead] {
    let half = heads.count / 2
    return heads.enumerated().filter { $0.offset >= half || $0.offset % 2 == 0 }.map(\.element)
  }

  /// Replaces the file, so that at every moment there is a whole one.
  package func replace(with kept: [SignedHead], _ heads: inout [SignedHead]) throws(StorageError) {
    try sweep()
    try storage.makeDirectory(TreeFiles.directory)
    try storage.syncDirectory("")
    let file = try storage.create(HeadFile.temporary)
    var bytes = ByteBuffer(capacity: HeadFile.slotBytes * kept.count)
    for head in kept { HeadFile.append(HeadFile.slot(head), to: &bytes) }
    try file.write(bytes.bytes, at: 0)
    try file.sync()
    try storage.rename(HeadFile.temporary, to: HeadFile.name)
    try storage.syncDirectory(TreeFiles.directory)
    heads = kept
  }

  private static func append(_ slot: borrowing ByteBuffer, to bytes: inout ByteBuffer) { bytes.append(slot.bytes) }

  private static func slot(_ head: SignedHead) -> ByteBuffer {
    var slot = ByteBuffer(capacity: slotBytes)
    slot.append(text: head.text)
    precondition(slot.count <= slotBytes, "a head fits into its slot")
    while slot.count < slotBytes { slot.append(lineBreak) }
    return slot
  }
}
