/// How a program of one command ends: a wrong command line is one line that says what, where, and what to do next.
package import ArgumentParser
internal import Glibc
internal import Programs

package enum UsageText {
  /// - Parameter command: the words that `--help` is put behind.
  package static func line(_ message: String, of command: String) -> String {
    let isSentence = message.hasSuffix(".") || message.hasSuffix("?")
    return DisplayText.line("\(message)\(isSentence ? "" : ".") See \(command) --help.")
  }
}

extension ParsableCommand {
  /// Takes the program's arguments apart, runs the command, and ends the process when that fails. `ArgumentParser` would
  /// print several lines, and not the program's name.
  package static func runAsProgram() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      let status = exitCode(for: error)
      if status == .success {
        // The help, or the version. A command that has come to its end has no text.
        let text = fullMessage(for: error)
        if !text.isEmpty { print(text) }
      } else {
        let message = message(for: error)
        let name = configuration.commandName ?? _commandName
        if !message.isEmpty { StandardError.say(name, UsageText.line(message, of: name)) }
      }
      Glibc.exit(status.rawValue)
    }
  }
}
