/// A store's directory on a disk of which some bytes can not be read any more.
import Bytes
import LogStore

final class FailingStorage: Storage {
  private let storage: PosixStorage
  /// By file name: what gives EIO.
  private let unreadable: [String: Range<Int>]
  private let isListable: Bool

  static let inputOutputError: Int32 = 5

  init(_ path: String, unreadable: [String: Range<Int>], isListable: Bool = true) throws {
    storage = try PosixStorage(path: path, creating: false)
    self.unreadable = unreadable
    self.isListable = isListable
  }

  func open(_ name: String, writable: Bool) throws(StorageError) -> any StorageFile {
    precondition(!writable, "an inspection never opens a file for writing")
    return FailingFile(try storage.open(name, writable: false), name, unreadable[name])
  }

  func list(_ directory: String) throws(StorageError) -> [String] {
    guard isListable else { throw StorageError(.list, directory, errno: FailingStorage.inputOutputError) }
    return try storage.list(directory)
  }

  func create(_ name: String) throws(StorageError) -> any StorageFile { preconditionFailure("an inspection wrote") }
  func makeDirectory(_ name: String) throws(StorageError) { preconditionFailure("an inspection wrote") }
  func rename(_ name: String, to newName: String) throws(StorageError) { preconditionFailure("an inspection wrote") }
  func remove(_ name: String) throws(StorageError) { preconditionFailure("an inspection wrote") }
  func syncDirectory(_ name: String) throws(StorageError) { preconditionFailure("an inspection wrote") }
  func lock(_ name: String) throws(StorageError) -> any StorageLock { preconditionFailure("an inspection locked") }
}

private final class FailingFile: StorageFile {
  private let file: any StorageFile
  private let name: String
  private let unreadable: Range<Int>?

  init(_ file: any StorageFile, _ name: String, _ unreadable: Range<Int>?) {
    self.file = file
    self.name = name
    self.unreadable = unreadable
  }

  func size() throws(StorageError) -> UInt64 { try file.size() }

  func read(at offset: UInt64, length: Int, into buffer: inout ByteBuffer) throws(StorageError) {
    if let unreadable, unreadable.overlaps(Int(offset)..<(Int(offset) + length)) {
      throw StorageError(.read, name, errno: FailingStorage.inputOutputError)
    }
    try file.read(at: offset, length: length, into: &buffer)
  }

  func write(_ bytes: RawSpan, at offset: UInt64) throws(StorageError) { preconditionFailure("an inspection wrote") }
  func sync() throws(StorageError) { preconditionFailure("an inspection synced") }
}
