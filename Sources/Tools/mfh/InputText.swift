/// Text from a file or standard input, whole.
internal import Bytes
internal import Glibc
internal import Programs

enum InputText {
  static let standardInput = "-"

  /// More than any hub takes; the hub's own limit is the one that counts.
  private static let bytesMax = 64 << 20

  /// - Throws: no input, not permitted, I/O error; damaged for what is not UTF-8.
  static func read(file path: String) throws(Failure) -> String {
    if path == standardInput { return try read(STDIN_FILENO, "standard input") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(errno, path) }
    defer { close(descriptor) }
    return try read(descriptor, path)
  }

  private static func read(_ descriptor: Int32, _ name: String) throws(Failure) -> String {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(errno, name) }
      if count == 0 { break }
      bytes += piece[..<count]
      guard bytes.count <= bytesMax else {
        throw Failure(.damaged, "\(name): more than \(bytesMax >> 20) MiB, which no hub takes in one request")
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.damaged, "\(name): not UTF-8; the hub keeps text and JSON, encode other data (base64) first")
    }
    return text
  }

  private static func failure(_ number: Int32, _ name: String) -> Failure {
    let status: ExitStatus =
      switch number {
      case ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP: .noInput
      case EACCES, EPERM: .notPermitted
      default: .inputOutput
      }
    return Failure(status, "\(name): \(String(cString: strerror(number)))")
  }
}
