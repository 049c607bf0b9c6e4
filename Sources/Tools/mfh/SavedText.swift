/// Writes small files: all of it, or an error that says why not.
internal import Glibc
internal import Programs

enum SavedText {
  /// Adds to a file, which is made if it is not there.
  static func append(_ text: String, to path: String) throws(Failure) {
    try write(text, path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
  }

  /// Makes a file that only its owner can read. One that is there stays as it is.
  static func createSecret(_ text: String, at path: String) throws(Failure) {
    try write(text, path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
  }

  /// Writes a file, in place of the one that may be there.
  static func replace(_ text: String, at path: String) throws(Failure) {
    try write(text, path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  }

  private static func write(_ text: String, _ path: String, _ flags: Int32, _ mode: mode_t) throws(Failure) {
    let descriptor = open(path, flags | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw failure(path) }
    defer { close(descriptor) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, Array(rest), rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure(path) }
      rest = rest.dropFirst(count)
    }
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(path) }
  }

  private static func failure(_ path: String) -> Failure {
    let status: ExitStatus =
      switch errno {
      case EACCES, EPERM: .notPermitted
      case EIO, ENOSPC, EDQUOT: .inputOutput
      default: .canNotCreate
      }
    return Failure(status, "\(path): \(String(cString: strerror(errno)))")
  }
}
