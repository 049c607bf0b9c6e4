/// The start of the program: a wrong command line is told in one line.
internal import ToolSupport

extension LogstoreVerify {
  static func main() { runAsProgram() }
}
