/// Heads from a file, as `mfh head --save` writes them.
internal import Glibc
internal import HistoryTree
internal import Programs

enum HeadText {
  private static let bytesMax = 64 << 20

  static func read(_ path: String, program: String) throws(ExitStatus) -> [SignedHead] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      StandardError.say(program, "\(path): \(String(cString: strerror(errno)))")
      throw .noInput
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < bytesMax {
      let count = Glibc.read(descriptor, &piece, piece.count)
      guard count >= 0 else {
        StandardError.say(program, "\(path): \(String(cString: strerror(errno)))")
        throw .inputOutput
      }
      if count == 0 { break }
      bytes += piece[..<count]
    }
    guard let text = String(validating: bytes, as: UTF8.self), let heads = SignedHead.all(in: text), !heads.isEmpty
    else {
      StandardError.say(program, "\(path): it holds no heads, or something else beside them")
      throw .damaged
    }
    return heads
  }
}
