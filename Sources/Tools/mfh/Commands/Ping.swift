/// `mfh ping`.
internal import ArgumentParser
internal import HubClient
internal import ToolSupport

struct Ping: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ping",
    abstract: "Says whether a hub answers, which one, and how fast.",
    usage: "mfh ping [<options>]",
    discussion: """
      Waits up to --timeout for a hub that is just starting.

      Examples:
        mfh ping
        mfh ping --hub tcp://10.0.0.7:5713 --timeout 1
      """)

  @OptionGroup var client: ClientOptions

  func run() throws {
    let session = try Session(client)
    var reply = HubReply()
    // The first one opens the connection; the second one is timed.
    try session.perform(session.request("ping"), reply: &reply)
    let start = ContinuousClock.now
    try session.perform(session.request("ping"), reply: &reply)
    let time = start.duration(to: .now)
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else {
      let server = try reply.requiredString("server", of: reply.result)
      let version = try reply.requiredString("version", of: reply.result)
      let epoch = try reply.requiredNumber("epoch", of: reply.result)
      session.printLine(
        "\(server) \(version) at \(session.address) answers in \(Ping.text(of: time)) (epoch \(epoch))")
    }
    try session.finish()
  }

  /// Milliseconds with two digits behind the point.
  private static func text(of time: Duration) -> String {
    let (seconds, attoseconds) = time.components
    let hundredths = seconds * 100_000 + attoseconds / 10_000_000_000_000
    let fraction = String(hundredths % 100)
    return "\(hundredths / 100).\(fraction.utf8.count < 2 ? "0" : "")\(fraction) ms"
  }
}
