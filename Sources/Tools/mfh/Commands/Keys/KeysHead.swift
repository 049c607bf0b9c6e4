/// `mfh keys head`.
internal import ArgumentParser
internal import HistoryTree
internal import Programs
internal import ToolSupport

struct KeysHead: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "head",
    abstract: "Makes a key that signs heads, or shows the public part of one.",
    usage: "mfh keys head <file> [--create [--name <name>]]",
    discussion: """
      The file is for the hub alone (security.head_key_file): it lies outside of the store, and only the hub's user may \
      read it. The public key, which this prints, is what others check heads with.

      Examples:
        mfh keys head /etc/mfh/head.key --create --name hub.example
        mfh keys head /etc/mfh/head.key
      """)

  @Argument(help: "The file of the key.")
  var file: String

  @Flag(help: "Make the key; a file that is there stays as it is.")
  var create = false

  @Option(help: ArgumentHelp("What the key is called in heads. [mfh]", valueName: "name"))
  var name = "mfh"

  func validate() throws {
    guard VerifierKey.isName(name) else {
      throw ValidationError("--name takes 1 to \(VerifierKey.nameBytesMax) visible ASCII characters without \"+\"")
    }
  }

  func run() throws {
    let key: SignerKey
    if create {
      key = SignerKey.random(name: name)
      try SavedText.createSecret(key.secretText, at: file)
    } else {
      guard let found = SignerKey(text: try InputText.read(file: file)) else {
        throw Failure(.damaged, "\(file): it holds no key that mfh keys head --create has made")
      }
      key = found
    }
    print(key.verifier.description)
  }
}
