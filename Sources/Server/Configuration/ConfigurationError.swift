/// What is wrong with the configuration, in one line that says where, what was found and what is expected.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible, Sendable {
  /// One line for the operator, with no line break in it.
  package let message: String
  /// The exit code (sysexits): 78 for a configuration that can not be used, 64 for a flag's value, 66 for a file that
  /// does not exist.
  package let exitCode: Int32

  package static let badConfiguration: Int32 = 78
  package static let usage: Int32 = 64
  package static let noInput: Int32 = 66

  package init(_ message: String, exitCode: Int32 = ConfigurationError.badConfiguration) {
    self.message = PrintableText.of(message)
    self.exitCode = exitCode
  }

  /// An error of a value that came from `origin`.
  init(_ origin: SettingOrigin, _ message: String) {
    if case .flag = origin {
      self.init("\(origin.place): \(message)", exitCode: ConfigurationError.usage)
    } else {
      self.init("\(origin.place): \(message)")
    }
  }

  package var description: String { message }
}

/// Text that can be shown on one line of a terminal: what a file holds must not steer it.
enum PrintableText {
  static func of(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x0A: result += "\\n"
      case 0x0D: result += "\\r"
      case 0x09: result += "\\t"
      case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069:
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// `text` in quotes, cut when it is long. A path is not cut: what tells one from another stands at its end.
  static func quoted(_ text: String, scalarsMax: Int = 60) -> String {
    let shown = text.unicodeScalars.prefix(scalarsMax)
    let cut = shown.count < text.unicodeScalars.count
    return "\"" + of(String(String.UnicodeScalarView(shown))) + (cut ? "…" : "") + "\""
  }
}
