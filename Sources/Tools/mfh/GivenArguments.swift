/// The command line before it is parsed: its bytes checked, and options that come before the command moved behind it.
internal import Bytes
internal import Glibc
internal import Programs

enum GivenArguments {
  /// All arguments but the program's name.
  ///
  /// - Throws: usage, for one that is not UTF-8: Swift would replace its bytes, and a wrong key be written.
  static func read() throws(Failure) -> [String] {
    for index in 1..<max(Int(CommandLine.argc), 1) {
      guard let bytes = CommandLine.unsafeArgv[index] else { continue }
      guard String(validatingCString: bytes) != nil else {
        throw Failure(.usage, "argument \(index) is not UTF-8; text of any kind goes in through a file or a pipe")
      }
    }
    return Array(CommandLine.arguments.dropFirst())
  }

  /// `--hub X get K` becomes `get --hub X K`: the options belong to every command.
  ///
  /// - Parameter valued: the options whose next argument is their value.
  static func ordered(_ arguments: [String], valued: Set<String>) -> [String] {
    var position = 0
    while position < arguments.count, arguments[position].hasPrefix("-"), arguments[position] != "--" {
      position += valued.contains(arguments[position]) ? 2 : 1
    }
    guard position > 0, position < arguments.count, arguments[position] != "--" else { return arguments }
    return [arguments[position]] + arguments[..<position] + arguments[(position + 1)...]
  }
}
