/// All that the log asks of a disk. One directory tree; names are relative to it and never leave it.
///
/// Two implementations: `PosixStorage`, and `MemoryStorage` beside the tests. Everything that can go wrong with a
/// disk goes wrong behind these calls, so that a test can make it happen.
package import Bytes

package protocol Storage: AnyObject, Sendable {
  /// Opens an existing file. `errno` ENOENT when there is none.
  func open(_ name: String, writable: Bool) throws(StorageError) -> any StorageFile
  /// Makes a new, empty file. `errno` EEXIST when there is one. The name is durable after `syncDirectory`.
  func create(_ name: String) throws(StorageError) -> any StorageFile
  /// The names in a directory, in no order; "" is the root.
  func list(_ directory: String) throws(StorageError) -> [String]
  /// Makes a directory unless it exists.
  func makeDirectory(_ name: String) throws(StorageError)
  func rename(_ name: String, to newName: String) throws(StorageError)
  func remove(_ name: String) throws(StorageError)
  /// Makes creations, renames and removals in a directory durable; "" is the root.
  func syncDirectory(_ name: String) throws(StorageError)
  /// Fails with ENOSPC when the disk says that it has no room for a new file of this size. That it passes promises
  /// nothing: only bytes that were written have their room.
  func expectSpace(for name: String, bytes: UInt64) throws(StorageError)
  /// Takes the exclusive lock of the tree; held until the returned object is released or the process dies.
  func lock(_ name: String) throws(StorageError) -> any StorageLock
}

extension Storage {
  /// Removes what an earlier attempt may have left.
  package func removeIfThere(_ name: String) throws(StorageError) {
    do {
      try remove(name)
    } catch {
      guard error.errno == PosixText.missing else { throw error }
    }
  }
}

package protocol StorageFile: AnyObject, Sendable {
  func size() throws(StorageError) -> UInt64
  /// Reads up to `length` bytes from `offset` and appends them to `buffer`; fewer only at the end of the file.
  func read(at offset: UInt64, length: Int, into buffer: inout ByteBuffer) throws(StorageError)
  /// Writes all of `bytes` at `offset`.
  func write(_ bytes: RawSpan, at offset: UInt64) throws(StorageError)
  /// Returns when the contents are on stable storage. After an error the contents are unknown: never try again.
  func sync() throws(StorageError)
}

extension Storage {
  /// For storages that do not know how much room they have.
  package func expectSpace(for name: String, bytes: UInt64) throws(StorageError) {}
}

package protocol StorageLock: AnyObject, Sendable {}

/// A system call on the store's tree that failed.
package struct StorageError: Error, Equatable, Sendable {
  package enum Call: String, Sendable {
    case open, create, list, makeDirectory, rename, remove, syncDirectory, lock, size, read, write, sync
  }

  package let call: Call
  package let name: String
  package let errno: Int32

  /// Whether the file system refused for want of room. An fsync that fails so has failed like any other.
  package var isForWantOfSpace: Bool {
    (errno == PosixText.noSpace || errno == PosixText.quota) && call != .sync && call != .syncDirectory
  }

  package init(_ call: Call, _ name: String, errno: Int32) {
    self.call = call
    self.name = name
    self.errno = errno
  }
}
