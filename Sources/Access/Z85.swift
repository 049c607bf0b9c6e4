/// Z85: four bytes as five printable characters. https://rfc.zeromq.org/spec/32

enum Z85 {
  private static let alphabet = Array(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)

  /// - Parameter bytes: a multiple of four.
  static func text(_ bytes: [UInt8]) -> String {
    precondition(bytes.count % 4 == 0, "Z85 takes four bytes at a time")
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 4) {
      var group = bytes[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      var letters: [UInt8] = []
      for _ in 0..<5 {
        letters.append(alphabet[Int(group % 85)])
        group /= 85
      }
      text += letters.reversed()
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Nil for everything that `text` does not write.
  static func bytes(_ text: String) -> [UInt8]? {
    let letters = Array(text.utf8)
    guard letters.count % 5 == 0 else { return nil }
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: letters.count, by: 5) {
      var group: UInt64 = 0
      for letter in letters[start..<start + 5] {
        guard let value = alphabet.firstIndex(of: letter) else { return nil }
        group = group * 85 + UInt64(value)
      }
      guard group <= UInt64(UInt32.max) else { return nil }
      bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: group >> $0) }
    }
    return bytes
  }
}
