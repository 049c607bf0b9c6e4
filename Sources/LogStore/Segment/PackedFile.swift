/// A packed segment as the plain one that it was: the same bytes at the same places, made when they are read. So whoever
/// reads segments, or keeps positions in them, need not know which are packed. See FORMAT.md, "Packed segment".
package import Bytes
internal import Synchronization
internal import Threads

package final class PackedFile: StorageFile {
  /// What can not be unpacked is filled with this: no header and no record is ever made of it.
  static let filler: UInt8 = 0xFF

  private let file: any StorageFile
  private let header: SegmentHeader
  private let reader = Monitor<PackedReader?>(nil)
  /// When it was last read, in the order of `PackedMemory`.
  let lastUse = Atomic<UInt64>(0)

  /// - Parameters:
  ///   - file: as it is stored.
  ///   - header: of that file, which says that it is packed.
  init(_ file: any StorageFile, _ header: SegmentHeader) {
    self.file = file
    self.header = header
  }

  /// The size of the plain segment.
  package func size() throws(StorageError) -> UInt64 { header.capacity }

  /// The size of the file.
  package func storedBytes() throws(StorageError) -> UInt64 { try file.size() }

  /// Reads the file as it is stored: for a copy of it.
  func readStored(at offset: UInt64, length: Int, into buffer: inout ByteBuffer) throws(StorageError) {
    try file.read(at: offset, length: length, into: &buffer)
  }

  package func write(_ bytes: RawSpan, at offset: UInt64) throws(StorageError) {
    preconditionFailure("a packed segment is not written to")
  }

  package func sync() throws(StorageError) {}

  /// Gives the plain bytes. Those of a block that is damaged are `filler`, which no check lets pass.
  package func read(at offset: UInt64, length: Int, into buffer: inout ByteBuffer) throws(StorageError) {
    let end = min(offset + UInt64(length), header.capacity)
    guard offset < end else { return }
    let wanted = Int(offset)..<Int(end)
    lastUse.store(PackedMemory.now, ordering: .relaxed)
    let loaded: Int
    (loaded, _) = try with(wanted, &buffer) { (reader, buffer) throws(StorageError) in
      try reader.append(wanted, to: &buffer)
    }
    if loaded > 0 { PackedMemory.note(self, bytes: loaded) }
  }

  /// Why the plain byte at `offset` can not be made; nil when it can.
  package func problem(at offset: Int) -> FormatError? {
    var nothing = ByteBuffer(capacity: 16)
    let found = try? with(offset..<(offset + 1), &nothing) { (reader, _) throws(StorageError) in
      try reader.problem(at: offset)
    }
    return found?.1
  }

  /// What is wrong with the parts of the file that no plain byte is made of: the directory and the dictionaries.
  package func problems() throws(StorageError) -> [String] {
    try PackedReader(file, header).checkFrame()
  }

  /// Forgets what was loaded; it is loaded again when it is needed.
  package func unload() { reader.with { $0 = nil } }

  /// Runs `body` alone. Returns how many bytes of memory were newly taken for it, and what it gave.
  private func with<Value>(
    _ wanted: Range<Int>, _ buffer: inout ByteBuffer,
    _ body: (PackedReader, inout ByteBuffer) throws(StorageError) -> Value
  ) throws(StorageError) -> (Int, Value) {
    let outcome = reader.with { state -> Result<(Int, Value), StorageError> in
      do throws(StorageError) {
        if let reader = state { return .success((0, try body(reader, &buffer))) }
        let reader = try PackedReader(file, header)
        state = reader
        return .success((reader.memoryBytes, try body(reader, &buffer)))
      } catch {
        return .failure(error)
      }
    }
    return try outcome.get()
  }
}

/// The memory that packed segments take for their dictionaries and directories, all of them together: the ones that were
/// longest not read make way.
enum PackedMemory {
  static let bytesMax = 128 << 20

  private struct Holder {
    weak var file: PackedFile?
    let bytes: Int
  }

  private static let holders = Monitor<[Holder]>([])
  private static let clock = Atomic<UInt64>(1)

  /// Goes on with everything that is loaded.
  static var now: UInt64 { clock.load(ordering: .relaxed) }

  static func note(_ file: PackedFile, bytes: Int) {
    clock.add(1, ordering: .relaxed)
    let victims = holders.with { holders -> [PackedFile] in
      holders.removeAll { $0.file == nil || $0.file === file }
      holders.append(Holder(file: file, bytes: bytes))
      var total = holders.reduce(0) { $0 + $1.bytes }
      var victims: [PackedFile] = []
      for holder in holders.sorted(by: { used($0) < used($1) }) where total > bytesMax {
        guard let victim = holder.file, victim !== file else { continue }
        victims.append(victim)
        total -= holder.bytes
      }
      holders.removeAll { holder in victims.contains { $0 === holder.file } }
      return victims
    }
    // Not under the lock above: a file has one of its own.
    for victim in victims { victim.unload() }
  }

  private static func used(_ holder: Holder) -> UInt64 { holder.file?.lastUse.load(ordering: .relaxed) ?? 0 }
}
