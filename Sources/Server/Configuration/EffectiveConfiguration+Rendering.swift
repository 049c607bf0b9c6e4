/// The effective configuration as YAML, as `--check-config` prints it: it can be used as a file again, but for the
/// secrets, which are masked.
extension EffectiveConfiguration {
  /// Every setting on a line of its own, with a comment that says where its value came from.
  package func rendered() -> String {
    var result = ""
    var open: [Substring] = []
    for setting in Setting.all {
      let path = setting.name.rawValue.split(separator: ".")
      let groups = path.dropLast()
      let shared = zip(open, groups).prefix { $0 == $1 }.count
      for depth in shared..<groups.count { result += indentation(depth) + groups[depth] + ":\n" }
      open = Array(groups)
      result += line(setting, name: path[groups.count], depth: groups.count)
    }
    return result
  }

  private func line(_ setting: Setting, name: Substring, depth: Int) -> String {
    let entry = settings[setting.name]
    guard let value = entry.value else { return indentation(depth) + "# \(name): not set\n" }
    let masked = if case .secret = value { "masked, " } else { "" }
    // Only the text of a path can hold what would end the comment or the line.
    return indentation(depth) + "\(name): \(text(value))  # \(masked)\(PrintableText.of(entry.origin.description))\n"
  }

  private func text(_ value: SettingValue) -> String {
    switch value {
    case .text(let text): YamlString.quoted(text)
    case .integer(let number): String(number)
    case .seconds(let number): "\(number)s"
    case .boolean(let flag): String(flag)
    case .port(let port): port.description
    case .secret: YamlString.quoted(Secret.mask)
    }
  }

  private func indentation(_ depth: Int) -> String { String(repeating: "  ", count: depth) }
}

private enum YamlString {
  /// `text` as a double-quoted YAML scalar; `${` is doubled so that reading it back gives the same text.
  static func quoted(_ text: String) -> String {
    var result = "\""
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "$" where rest.first == "{": result += "$$"
      case _ where scalar.value < 0x20 || (scalar.value >= 0x7F && scalar.value < 0xA0):
        let digits = String(scalar.value, radix: 16)
        result += "\\x" + (digits.count < 2 ? "0" : "") + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
