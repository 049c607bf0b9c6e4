/// Reads a configuration file as text and refuses what YAML would make expensive or ambiguous.
internal import Glibc

struct ConfigurationText {
  let path: String
  let text: String

  /// More than any configuration needs, little enough to parse in a moment.
  static let bytesMax = 256 << 10

  /// - Returns: nil when there is no such file.
  static func read(_ path: String) throws(ConfigurationError) -> ConfigurationText? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw ConfigurationError("\(path): can not be opened: \(errorText(errno))")
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw ConfigurationError("\(path): can not be read: \(errorText(errno))") }
      if count == 0 { break }
      bytes += chunk[..<count]
      guard bytes.count <= bytesMax else {
        throw ConfigurationError("\(path): the file has more than \(bytesMax) bytes, which no configuration needs")
      }
    }
    return try ConfigurationText(path: path, bytes: bytes)
  }

  init(path: String, bytes: [UInt8]) throws(ConfigurationError) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let line = ConfigurationText.lineOfFirstInvalidByte(bytes)
      throw ConfigurationError("\(path):\(line): the text is not UTF-8: save the file in UTF-8")
    }
    self.path = path
    self.text = text
    try refuseReferences()
  }

  private static func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }

  private static func lineOfFirstInvalidByte(_ bytes: [UInt8]) -> Int {
    var line = 1
    for part in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      if String(validating: part, as: UTF8.self) == nil { return line }
      line += 1
    }
    return line
  }

  /// Anchors, aliases and tags have no use here. Refusing them before the parser sees them keeps a file of a few
  /// hundred bytes from growing into gigabytes.
  private func refuseReferences() throws(ConfigurationError) {
    var quote: UInt8?
    var line = 1
    for content in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
      if let mark = ConfigurationText.referenceMark(in: content, quote: &quote) {
        throw ConfigurationError(
          "\(path):\(line): \(Character(Unicode.Scalar(mark))) begins an anchor, alias or tag, "
            + "which a configuration can not have: write the value itself, or put it in quotes")
      }
      line += 1
    }
  }

  /// The first byte of an anchor (`&`), alias (`*`) or tag (`!`) that stands where a value begins.
  private static func referenceMark(in line: Substring.UTF8View.SubSequence, quote: inout UInt8?) -> UInt8? {
    var isAtStart = true
    var isEscaped = false
    var previous = UInt8(ascii: " ")
    for byte in line {
      defer { previous = byte }
      if let open = quote {
        if byte == open, !isEscaped { quote = nil }
        isEscaped = byte == UInt8(ascii: "\\") && open == UInt8(ascii: "\"") && !isEscaped
        continue
      }
      switch byte {
      case UInt8(ascii: "#") where isSpace(previous): return nil
      case UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"):
        if isAtStart { return byte }
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        if isAtStart { quote = byte }
        isAtStart = false
      case UInt8(ascii: ","): isAtStart = true
      case UInt8(ascii: "["), UInt8(ascii: "{"): break
      case UInt8(ascii: ":"): isAtStart = previous == UInt8(ascii: "\"") || previous == UInt8(ascii: "'")
      default:
        if isSpace(byte) {
          if [UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "?")].contains(previous) { isAtStart = true }
        } else {
          isAtStart = false
        }
      }
    }
    return nil
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
