/// One configuration file as the settings that it gives, each with its line. Everything in it is checked, also what a
/// flag is going to override: a file that is wrong should not work by accident.
internal import Yams

struct ConfigurationFile {
  struct Entry {
    let value: SettingValue
    let origin: SettingOrigin
  }

  private(set) var entries: [SettingName: Entry] = [:]
  private let path: String
  private let environment: EnvironmentVariables

  init(_ source: ConfigurationText, environment: EnvironmentVariables) throws(ConfigurationError) {
    path = source.path
    self.environment = environment
    let root: Node?
    do {
      root = try Parser(yaml: source.text, encoding: .utf8).singleRoot()
    } catch {
      throw YamlProblem.described(error, in: source)
    }
    if let root { try read(root, group: "") }
  }

  private mutating func read(_ node: Node, group: String) throws(ConfigurationError) {
    guard case .mapping(let mapping) = node else {
      // A section with nothing in it, or a file of comments, is an empty mapping.
      if case .scalar(let scalar) = node, scalar.style == .plain, ["", "~", "null"].contains(scalar.string) { return }
      let what = group.isEmpty ? "the file" : group
      let members = SettingTree.members(of: group).joined(separator: ", ")
      let expected = members.isEmpty ? "nothing in this version" : members
      throw failure(node, "\(what): expected a mapping of \(expected), found \(described(node))")
    }
    for (key, value) in mapping {
      guard case .scalar(let name) = key else { throw failure(key, "expected a name, found \(described(key))") }
      try readMember(name.string, value, line: line(of: key), group: group)
    }
  }

  private mutating func readMember(
    _ name: String, _ value: Node, line: Int, group: String
  ) throws(ConfigurationError) {
    let memberPath = group.isEmpty ? name : group + "." + name
    // A dot inside of a name would make another path of it.
    if !name.utf8.contains(UInt8(ascii: ".")) {
      if let setting = SettingName(rawValue: memberPath) { return try readSetting(Setting[setting], value, line: line) }
      if SettingTree.groups.contains(memberPath) { return try read(value, group: memberPath) }
      if SettingTree.isLater(memberPath) {
        throw failure(line, "\(memberPath) is not supported by this version: leave it out")
      }
    }
    throw failure(line, unknown(name, in: group))
  }

  private mutating func readSetting(_ setting: Setting, _ value: Node, line: Int) throws(ConfigurationError) {
    let name = setting.name.rawValue
    guard case .scalar(let scalar) = value else {
      throw failure(value, "\(name): expected \(setting.kind.expectation), found \(described(value))")
    }
    // A value may begin below its name.
    let valueLine = scalar.string.isEmpty ? line : self.line(of: value)
    do throws(SettingRefusal) {
      let outcome = try Interpolation.resolve(scalar.string, with: environment)
      let form: ScalarText.Form = outcome.isReplaced ? .free : scalar.style == .plain ? .plain : .quoted
      let read = try setting.kind.value(of: ScalarText(text: outcome.text, form: form))
      entries[setting.name] = Entry(value: read, origin: .file(path: path, line: valueLine))
    } catch {
      throw failure(valueLine, "\(name): \(error.message)")
    }
  }

  private func unknown(_ name: String, in group: String) -> String {
    let members = SettingTree.members(of: group)
    let place = group.isEmpty ? "the file" : group
    let start = "unknown key \(PrintableText.quoted(name)) in \(place)"
    if let near = NearestName.of(name, among: members) { return start + " (did you mean \(near)?)" }
    if let elsewhere = SettingName.allCases.first(where: { $0.rawValue.hasSuffix("." + name) }) {
      return start + " (did you mean \(elsewhere.rawValue)?)"
    }
    return start + ": expected " + members.joined(separator: ", ")
  }

  private func described(_ node: Node) -> String {
    switch node {
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .scalar(let scalar): ScalarText(text: scalar.string, form: scalar.style == .plain ? .plain : .quoted).foundType
    case .alias: "an alias"
    }
  }

  private func line(of node: Node) -> Int { node.mark?.line ?? 1 }
  private func failure(_ node: Node, _ message: String) -> ConfigurationError { failure(line(of: node), message) }
  private func failure(_ line: Int, _ message: String) -> ConfigurationError {
    ConfigurationError(.file(path: path, line: line), message)
  }
}

/// What the YAML parser has to say, in one line with file and line.
private enum YamlProblem {
  static func described(_ error: any Error, in source: ConfigurationText) -> ConfigurationError {
    switch error as? YamlError {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
      return failure(source, mark.line, problem)
    case .composer(_, let problem, let mark, _):
      let advice = problem.contains("another document") ? "expected one document, found another" : problem
      return failure(source, mark.line, advice)
    case .reader(let problem, let offset, _, _):
      let line = source.text.utf8.prefix(offset ?? 0).count { $0 == 0x0A } + 1
      return failure(source, line, problem)
    case .duplicatedKeysInMapping(let names, let context):
      let shown = names.map { PrintableText.quoted($0) }.joined(separator: ", ")
      return failure(source, context.mark.line, "given twice in one mapping: \(shown)")
    case .memory: return ConfigurationError("\(source.path): not enough memory to read the file")
    default: return ConfigurationError("\(source.path): not YAML: \(error)")
    }
  }

  private static func failure(_ source: ConfigurationText, _ line: Int, _ problem: String) -> ConfigurationError {
    let advice = problem.contains("cannot start any token") ? " (YAML is indented with spaces, not tabs)" : ""
    return ConfigurationError(.file(path: source.path, line: line), "not YAML: \(problem)\(advice)")
  }
}
