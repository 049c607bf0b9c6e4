/// The store's directory on a real file system.
internal import Bytes
internal import Glibc

package final class PosixStorage: Storage {
  private let path: String
  private let root: Int32

  /// Opens the directory at `path`; with `creating`, it and its missing parents are made first, for the owner only.
  package init(path: String, creating: Bool) throws(StorageError) {
    self.path = path
    if creating { try PosixStorage.makePath(path) }
    root = PosixStorage.open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY)
    guard root >= 0 else { throw StorageError(.open, path, errno: errno) }
  }

  deinit { close(root) }

  private static func makePath(_ path: String) throws(StorageError) {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      let parent = made.isEmpty ? "." : made
      made += made.isEmpty || made == "/" ? String(part) : "/\(part)"
      if mkdir(made, 0o700) == 0 {
        // The new name lives in its parent: without this a power cut can lose the whole store.
        try syncPath(parent)
      } else if errno != EEXIST {
        throw StorageError(.makeDirectory, made, errno: errno)
      }
    }
  }

  private static func syncPath(_ path: String) throws(StorageError) {
    let descriptor = open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY)
    guard descriptor >= 0 else { throw StorageError(.syncDirectory, path, errno: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StorageError(.syncDirectory, path, errno: errno) }
  }

  /// `openat`, again and again while a signal interrupts it.
  private static func open(_ directory: Int32, _ name: String, _ flags: Int32) -> Int32 {
    while true {
      let descriptor = openat(directory, name, flags | O_CLOEXEC, 0o600)
      if descriptor >= 0 || errno != EINTR { return descriptor }
    }
  }

  private func described(_ name: String) -> String { name.isEmpty ? path : "\(path)/\(name)" }

  package func open(_ name: String, writable: Bool) throws(StorageError) -> any StorageFile {
    try file(.open, name, (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW)
  }

  package func create(_ name: String) throws(StorageError) -> any StorageFile {
    try file(.create, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
  }

  private func file(_ call: StorageError.Call, _ name: String, _ flags: Int32) throws(StorageError) -> PosixFile {
    let descriptor = PosixStorage.open(root, name, flags)
    guard descriptor >= 0 else { throw StorageError(call, described(name), errno: errno) }
    return PosixFile(descriptor, described(name))
  }

  package func list(_ directory: String) throws(StorageError) -> [String] {
    let descriptor = PosixStorage.open(root, directory.isEmpty ? "." : directory, O_RDONLY | O_DIRECTORY)
    guard descriptor >= 0, let stream = fdopendir(descriptor) else {
      throw StorageError(.list, described(directory), errno: errno)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw StorageError(.list, described(directory), errno: errno) }
        return names
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
  }

  package func makeDirectory(_ name: String) throws(StorageError) {
    guard mkdirat(root, name, 0o700) == 0 || errno == EEXIST else {
      throw StorageError(.makeDirectory, described(name), errno: errno)
    }
  }

  package func rename(_ name: String, to newName: String) throws(StorageError) {
    guard renameat(root, name, root, newName) == 0 else { throw StorageError(.rename, described(name), errno: errno) }
  }

  package func remove(_ name: String) throws(StorageError) {
    guard unlinkat(root, name, 0) == 0 else { throw StorageError(.remove, described(name), errno: errno) }
  }

  package func syncDirectory(_ name: String) throws(StorageError) {
    try PosixStorage.syncPath(described(name))
  }

  package func expectSpace(for name: String, bytes: UInt64) throws(StorageError) {
    var status = statvfs()
    // A file system that can not say is asked by writing.
    guard fstatvfs(root, &status) == 0 else { return }
    let free = UInt64(geteuid() == 0 ? status.f_bfree : status.f_bavail)
    let (bytesFree, isVast) = free.multipliedReportingOverflow(by: UInt64(status.f_frsize))
    guard isVast || bytesFree >= bytes else {
      throw StorageError(.create, described(name), errno: ENOSPC)
    }
  }

  package func lock(_ name: String) throws(StorageError) -> any StorageLock {
    let descriptor = PosixStorage.open(root, name, O_RDWR | O_CREAT | O_NOFOLLOW)
    guard descriptor >= 0 else { throw StorageError(.lock, described(name), errno: errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let cause = errno
      close(descriptor)
      throw StorageError(.lock, described(name), errno: cause)
    }
    // For the operator who asks which process holds it; the lock itself is the kernel's.
    let owner = "\(getpid())\n"
    if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, owner, owner.utf8.count, 0) }
    return PosixLock(descriptor)
  }
}

private final class PosixLock: StorageLock {
  private let descriptor: Int32
  init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit {
    // Not left to close: a child between fork and exec would still hold the lock.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }
}

private final class PosixFile: StorageFile {
  private let descriptor: Int32
  private let name: String

  init(_ descriptor: Int32, _ name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  deinit { close(descriptor) }

  func size() throws(StorageError) -> UInt64 {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw StorageError(.size, name, errno: errno) }
    return UInt64(status.st_size)
  }

  func read(at offset: UInt64, length: Int, into buffer: inout ByteBuffer) throws(StorageError) {
    try buffer.append(room: length) { (room) throws(StorageError) in
      var filled = 0
      while filled < length {
        let got = pread(descriptor, room.baseAddress! + filled, length - filled, Int(offset) + filled)
        if got > 0 {
          filled += got
        } else if got == 0 {
          break
        } else if errno != EINTR && errno != EAGAIN {
          throw StorageError(.read, name, errno: errno)
        }
      }
      return filled
    }
  }

  func write(_ bytes: RawSpan, at offset: UInt64) throws(StorageError) {
    let failure = bytes.withUnsafeBytes { source -> Int32 in
      var written = 0
      while written < source.count {
        let put = pwrite(descriptor, source.baseAddress! + written, source.count - written, Int(offset) + written)
        if put > 0 {
          written += put
        } else if put == 0 {
          return EIO  // no progress and no reason: a disk that behaves so is broken
        } else if errno != EINTR && errno != EAGAIN {
          return errno
        }
      }
      return 0
    }
    guard failure == 0 else { throw StorageError(.write, name, errno: failure) }
  }

  func sync() throws(StorageError) {
    // EINTR is not retried either: whether dirty pages were dropped is not known after any error.
    guard fdatasync(descriptor) == 0 else { throw StorageError(.sync, name, errno: errno) }
  }
}
