/// Where the value of a setting came from, in the words that errors and `--check-config` use.
package enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
  case builtIn
  case file(path: String, line: Int)
  case environment(String)
  /// The flag with its dashes.
  case flag(String)

  package var description: String {
    switch self {
    case .builtIn: "default"
    case .file: place
    case .environment(let name): "environment \(name)"
    case .flag(let name): "flag \(name)"
    }
  }

  /// What an error begins with.
  var place: String {
    switch self {
    case .builtIn: "default"
    case .file(let path, let line): "\(path):\(line)"
    case .environment(let name): "environment variable \(name)"
    case .flag(let name): name
    }
  }
}
