/// Changes a key file: one change at a time, and a reader sees the file before it or behind it.
internal import Access
internal import Glibc
internal import Programs

enum KeyFileEditor {
  static func read(_ path: String) throws(Failure) -> KeyFileText { try parse(try InputText.read(file: path), path) }

  private static func parse(_ text: String, _ path: String) throws(Failure) -> KeyFileText {
    do { return try KeyFileText(text) } catch { throw Failure(.damaged, "\(path): \(error.message)") }
  }

  static func permissions(_ texts: [String]) throws(Failure) -> [Permission] {
    var result: [Permission] = []
    for text in texts {
      do { result.append(try Permission(text)) } catch { throw Failure(.usage, "--allow \(text): \(error.message)") }
    }
    return result
  }

  static func add(
    _ keys: inout KeyFileText, _ entry: () throws(AccessTextError) -> KeyEntry
  ) throws(Failure) {
    do { try keys.add(try entry()) } catch { throw Failure(.usage, error.message) }
  }

  /// - Parameter isCreating: a file that is not there is made, for its owner alone.
  static func change<Value>(
    _ path: String, isCreating: Bool, _ change: (inout KeyFileText) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let descriptor = try locked(path, isCreating: isCreating)
    defer { close(descriptor) }
    var keys = try read(path)
    let value = try change(&keys)
    try replace(path, with: keys.text, like: descriptor)
    return value
  }

  /// Opens the file and waits until nobody else changes it.
  private static func locked(_ path: String, isCreating: Bool) throws(Failure) -> Int32 {
    while true {
      // A link would be replaced by the new file, and what it points to would stay as it is.
      let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (isCreating ? O_CREAT : 0), 0o600)
      guard descriptor >= 0 else {
        if errno == ELOOP { throw Failure(.canNotCreate, "\(path): it is a symbolic link; name the file itself") }
        throw failure(path)
      }
      while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
      // Whoever had the lock before has put another file in its place.
      var (mine, current) = (stat(), stat())
      if fstat(descriptor, &mine) == 0, lstat(path, &current) == 0, mine.st_ino == current.st_ino,
        mine.st_dev == current.st_dev
      {
        return descriptor
      }
      close(descriptor)
    }
  }

  private static func replace(_ path: String, with text: String, like descriptor: Int32) throws(Failure) {
    let temporary = path + ".tmp"
    unlink(temporary)
    do throws(Failure) {
      try SavedText.createSecret(text, at: temporary)
      var status = stat()
      // The hub, which may be another user, reads the new file as it did the old one.
      guard fstat(descriptor, &status) == 0,
        status.st_uid == geteuid() && status.st_gid == getegid()
          || chown(temporary, status.st_uid, status.st_gid) == 0,
        chmod(temporary, status.st_mode & 0o7777) == 0, rename(temporary, path) == 0
      else { throw failure(path) }
    } catch {
      unlink(temporary)
      throw error
    }
    syncDirectory(of: path)
  }

  /// Without it a power cut can bring the old file back, and a revoked key with it.
  private static func syncDirectory(of path: String) {
    let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
  }

  private static func failure(_ path: String) -> Failure {
    let number = errno
    let status: ExitStatus =
      switch number {
      case ENOENT: .noInput
      case EACCES, EPERM: .notPermitted
      case EIO, ENOSPC, EDQUOT: .inputOutput
      default: .canNotCreate
      }
    return Failure(status, "\(path): \(String(cString: strerror(number)))")
  }
}

extension KeyFileText {
  /// An id that no key of the file has, or has had.
  func unusedID() -> KeyID {
    let used = Set(entries.map(\.id))
    while true {
      let id = KeyID.random()
      if !used.contains(id) { return id }
    }
  }
}
