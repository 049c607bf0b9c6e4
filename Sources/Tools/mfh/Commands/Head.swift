/// `mfh head`.
internal import ArgumentParser
internal import Bytes
internal import HistoryTree
internal import HubClient
internal import Programs
internal import ToolSupport

struct Head: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "head",
    abstract: "Shows the newest head of the history tree, to be kept elsewhere.",
    usage: "mfh head [<options>]",
    discussion: """
      A head is a few lines that stand for the whole log up to one record. Kept where the hub's machine can not \
      change it, it shows every later change of the past: logstore-verify DIR --head FILE.

      Examples:
        mfh head
        mfh head --save heads.txt
        mfh head | ssh elsewhere 'cat >> heads.txt'
      """)

  @Option(help: ArgumentHelp("Add the head to this file.", valueName: "file"))
  var save: String?

  @OptionGroup var client: ClientOptions

  func run() throws {
    let session = try Session(client)
    var reply = HubReply()
    try session.perform(session.request("head"), reply: &reply)
    guard let text = reply.string("head", of: reply.result), SignedHead(text: text) != nil else {
      throw Failure(.unavailable, "the hub has no head yet: try again in a second")
    }
    if let save { try SavedText.append(text, to: save) }
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else if save == nil {
      session.output.buffer.append(text: text)
    }
    try session.finish()
  }
}
