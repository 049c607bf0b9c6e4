/// `mfh keys`: the keys that a hub asks its clients for, its own, and the one that signs heads.
internal import ArgumentParser
internal import Bytes
internal import Glibc
internal import Hub
internal import Programs
internal import ToolSupport

struct Keys: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract: "Makes, lists and revokes the keys of clients; makes the hub's own.",
    usage: "mfh keys <create|list|revoke|curve|allow|head> [<options>] …",
    discussion: """
      Needs no hub: it changes the file that the hub names with security.key_file, and the hub sees that within a \
      second. docs/operations.md, "Security", goes through it from nothing.

      Examples:
        mfh keys create --file /etc/mfh/keys --agent planner --allow read,write:plans/ --save planner.key
        mfh keys list --file /etc/mfh/keys
        mfh keys revoke k5x2m7qa --file /etc/mfh/keys
        mfh keys curve planner.curve
        mfh keys allow planner.curve.pub --file /etc/mfh/keys --agent planner --allow read,write:plans/
        mfh keys allow planner.crt --file /etc/mfh/keys --agent planner --allow read,write:plans/
        mfh keys head /etc/mfh/head.key --create

      mfh keys FILE [--create] is short for mfh keys head FILE [--create].
      """,
    subcommands: [
      KeysCreate.self, KeysList.self, KeysRevoke.self, KeysCurve.self, KeysAllow.self, KeysHead.self,
    ],
    defaultSubcommand: KeysHead.self)
}

/// Where the keys are.
struct KeyFileOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The hub's key file. [MFH_KEY_FILE]", valueName: "file"))
  var file: String?

  @Option(help: "For people, or one JSON object a line.")
  var format = OutputFormat.table

  var path: String {
    get throws(Failure) {
      if let file { return file }
      guard let value = getenv("MFH_KEY_FILE"), value[0] != 0 else {
        throw Failure(.usage, "name the hub's key file with --file or MFH_KEY_FILE")
      }
      return String(cString: value)
    }
  }
}

enum KeyTime {
  static func now() -> String {
    var text = ByteBuffer(capacity: 32)
    Timestamp.append(SystemClock().now(), to: &text)
    return text.bytes.text()
  }
}
