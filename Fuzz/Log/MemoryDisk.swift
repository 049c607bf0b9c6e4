/// A disk in memory: as fast as a fuzzer needs it, and nothing of it is left behind. It never fails and forgets nothing;
/// tests of failing disks have their own.
package import Bytes
internal import Glibc
package import LogStore

package final class MemoryDisk: Storage, @unchecked Sendable {
  private var files: [String: MemoryFile] = [:]
  private var directories: Set<String> = [""]

  package init() {}

  /// Puts a file there.
  package func place(_ name: String, _ contents: consuming ByteBuffer) {
    if let slash = name.lastIndex(of: "/") { directories.insert(String(name[..<slash])) }
    files[name] = MemoryFile(name, contents)
  }

  package var names: [String] { files.keys.sorted() }

  package func contents(_ name: String) -> [UInt8] { files[name]?.bytes ?? [] }

  package func open(_ name: String, writable: Bool) throws(StorageError) -> any StorageFile {
    guard let file = files[name] else { throw StorageError(.open, name, errno: ENOENT) }
    return file
  }

  package func create(_ name: String) throws(StorageError) -> any StorageFile {
    guard files[name] == nil else { throw StorageError(.create, name, errno: EEXIST) }
    let file = MemoryFile(name, ByteBuffer())
    files[name] = file
    return file
  }

  package func list(_ directory: String) throws(StorageError) -> [String] {
    guard directories.contains(directory) else { throw StorageError(.list, directory, errno: ENOENT) }
    let prefix = directory.isEmpty ? "" : directory + "/"
    let names = files.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    return names.filter { !$0.contains("/") }
      + directories.filter { directory.isEmpty && !$0.isEmpty }
  }

  package func makeDirectory(_ name: String) throws(StorageError) { directories.insert(name) }

  package func rename(_ name: String, to newName: String) throws(StorageError) {
    guard let file = files.removeValue(forKey: name) else { throw StorageError(.rename, name, errno: ENOENT) }
    files[newName] = file
  }

  package func remove(_ name: String) throws(StorageError) {
    guard files.removeValue(forKey: name) != nil else { throw StorageError(.remove, name, errno: ENOENT) }
  }

  package func syncDirectory(_ name: String) throws(StorageError) {}

  package func lock(_ name: String) throws(StorageError) -> any StorageLock {
    files[name] = MemoryFile(name, ByteBuffer())
    return MemoryLock()
  }
}

private final class MemoryLock: StorageLock, @unchecked Sendable {}

private final class MemoryFile: StorageFile, @unchecked Sendable {
  private let name: String
  private var contents: ByteBuffer

  init(_ name: String, _ contents: consuming ByteBuffer) {
    self.name = name
    self.contents = contents
  }

  var bytes: [UInt8] { MemoryFile.array(contents) }

  private static func array(_ contents: borrowing ByteBuffer) -> [UInt8] { contents.bytes.array() }

  func size() throws(StorageError) -> UInt64 { UInt64(contents.count) }

  func read(at offset: UInt64, length: Int, into buffer: inout ByteBuffer) throws(StorageError) {
    // As pread has it: a place beyond what a file can have is an error, one behind the end reads nothing.
    guard length >= 0, offset <= UInt64(Int64.max) else { throw StorageError(.read, name, errno: EINVAL) }
    let start = min(Int(offset), contents.count)
    let end = min(start + min(length, contents.count), contents.count)
    MemoryFile.append(contents, start..<end, to: &buffer)
  }

  private static func append(_ contents: borrowing ByteBuffer, _ range: Range<Int>, to buffer: inout ByteBuffer) {
    buffer.append(contents.bytes.extracting(range))
  }

  func write(_ bytes: RawSpan, at offset: UInt64) throws(StorageError) {
    let start = Int(offset)
    if start > contents.count { contents.append(zeros: start - contents.count) }
    let kept = min(bytes.byteCount, contents.count - start)
    contents.overwrite(start, bytes.extracting(0..<kept))
    contents.append(bytes.extracting(kept..<bytes.byteCount))
  }

  func sync() throws(StorageError) {}
}

extension ByteBuffer {
  fileprivate mutating func overwrite(_ start: Int, _ bytes: RawSpan) {
    var position = 0
    while position + 8 <= bytes.byteCount {
      store(littleEndian: bytes.u64(position), at: start + position)
      position += 8
    }
    while position < bytes.byteCount {
      store(littleEndian: bytes.u8(position), at: start + position)
      position += 1
    }
  }
}
