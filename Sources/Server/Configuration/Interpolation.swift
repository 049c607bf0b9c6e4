/// `${NAME}` and `${NAME:default}` in the scalars of a configuration file.
///
/// As in a shell's `${NAME:-default}`, the default also stands in for a variable that is set but empty. `$${` is a
/// `${` that is meant literally. What a variable holds is not looked at again.
enum Interpolation {
  struct Outcome: Equatable {
    let text: String
    /// Whether anything was put in: the text is no longer what the file says.
    let isReplaced: Bool
  }

  static func resolve(
    _ text: String, with environment: EnvironmentVariables
  ) throws(SettingRefusal) -> Outcome {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return Outcome(text: text, isReplaced: false) }
    var result = ""
    var rest = text[...]
    var isReplaced = false
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[dollar...]
      if rest.hasPrefix("$${") {
        result += "${"
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("${") {
        let (value, end) = try reference(rest.dropFirst(2), environment)
        result += value
        rest = rest[end...]
        isReplaced = true
      } else {
        result += "$"
        rest = rest.dropFirst()
      }
    }
    return Outcome(text: result + rest, isReplaced: isReplaced)
  }

  /// The value of the reference that `body` begins with, and where the text behind its brace begins.
  private static func reference(
    _ body: Substring, _ environment: EnvironmentVariables
  ) throws(SettingRefusal) -> (String, Substring.Index) {
    guard let brace = body.firstIndex(of: "}") else {
      throw SettingRefusal("${ without a closing brace: write ${NAME} or ${NAME:default}, or $${ for a literal ${")
    }
    let inside = body[..<brace]
    let name = inside.prefix { $0 != ":" }
    guard isName(name) else {
      throw SettingRefusal("\(PrintableText.quoted(String(name))) is not the name of a variable: write ${NAME}")
    }
    let standIn = name.endIndex < inside.endIndex ? String(inside[name.endIndex...].dropFirst()) : nil
    let value = environment[String(name)]
    let end = body.index(after: brace)
    if let standIn { return (value.flatMap { $0.isEmpty ? nil : $0 } ?? standIn, end) }
    guard let value else {
      throw SettingRefusal("the variable \(name) is not set: set it, or write ${\(name):default}")
    }
    return (value, end)
  }

  private static func isName(_ name: Substring) -> Bool {
    guard let first = name.utf8.first, !(first >= 0x30 && first <= 0x39) else { return false }
    return name.utf8.allSatisfy { byte in
      byte == UInt8(ascii: "_") || (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
    }
  }
}
