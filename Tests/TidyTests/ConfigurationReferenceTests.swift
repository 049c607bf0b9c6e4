/// The configuration reference in docs/operations.md against the program's own table of settings.
import Testing

@testable import Server

@Suite struct ConfigurationReferenceTests {
  struct Entry: Equatable {
    var key: String
    var flag: String
    var variable: String
    var builtIn: String
    /// The range of a number; empty for all other kinds.
    var range: String
  }

  @Test("The reference names every setting with its flag, variable, default and range, in the program's order")
  func reference() throws {
    let document = try SourceTree.read("docs/operations.md")
    let told = document.lines.filter { $0.hasPrefix("| `") }.compactMap(Self.entry)
    #expect(told == Setting.all.map(Self.entry))
  }

  private static func entry(_ row: String) -> Entry? {
    let cells = row.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map(Self.plain)
    guard cells.count == 6, let name = SettingName(rawValue: cells[0]) else { return nil }
    return Entry(
      key: cells[0], flag: cells[1], variable: cells[2], builtIn: cells[3],
      range: range(Setting[name]).isEmpty ? "" : cells[4])
  }

  /// As the program's errors tell it.
  private static func range(_ setting: Setting) -> String {
    switch setting.kind {
    case .integer, .bytes, .seconds: setting.kind.expectation.split(separator: " from ").last.map(String.init) ?? ""
    case .address, .path, .port, .boolean, .secret, .choice, .retention: ""
    }
  }

  private static func plain(_ cell: Substring) -> String {
    cell.filter { $0 != "`" }.split(separator: " ").joined(separator: " ")
  }

  private static func entry(_ setting: Setting) -> Entry {
    let builtIn =
      switch setting.builtIn {
      case .none: "not set"
      case .text(let text): text
      case .integer(let number): String(number)
      case .seconds(let number): "\(number)s"
      case .boolean(let flag): String(flag)
      case .port(let port): port.description
      case .secret: "a secret has no default"
      }
    return Entry(
      key: setting.name.rawValue, flag: setting.flag ?? "", variable: setting.variable ?? "", builtIn: builtIn,
      range: range(setting))
  }
}
