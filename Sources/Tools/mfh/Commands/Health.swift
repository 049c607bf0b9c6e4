/// `mfh health`.
internal import ArgumentParser
internal import Bytes
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

struct Health: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health",
    abstract: "Shows whether the hub and its parts are well.",
    usage: "mfh health [<options>]",
    discussion: """
      Examples:
        mfh health
        mfh health --timeout 1 > /dev/null && echo well

      Exit code 0 when the hub is healthy or degraded, 69 when it is unhealthy.
      """)

  @OptionGroup var client: ClientOptions

  func run() throws {
    let session = try Session(client)
    var reply = HubReply()
    try session.perform(session.request("health"), reply: &reply)
    let status = try reply.requiredString("status", of: reply.result)
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else {
      let service = try reply.requiredString("service", of: reply.result)
      session.printLine("\(service) at \(session.address) is \(status)")
      try printComponents(reply, session.output)
      printMetrics(reply, session.output)
    }
    try session.finish()
    if status == "unhealthy" {
      throw Failure(.unavailable, "the hub at \(session.address) is unhealthy; its log tells more")
    }
  }

  private func printComponents(_ reply: borrowing HubReply, _ output: Output) throws(Failure) {
    let components = try reply.required("components", of: reply.result)
    guard reply.tape.kind(components) == .object else { return }
    output.buffer.append("\n")
    var table = TablePrinter(
      [.init(title: "COMPONENT"), .init(title: "STATUS"), .init(title: "INFO")], lineColumns: nil)
    for component in Members(of: components, reply) {
      let isHealthy = reply.flag("healthy", of: component.node) ?? false
      let info = reply.member("info", of: component.node).map { Members(of: $0, reply) } ?? []
      let text = info.map { "\($0.name) \(StatusText.value($0.node, reply))" }.joined(separator: ", ")
      for cell in [component.name, isHealthy ? "healthy" : "unhealthy", text] { add(cell, to: &table) }
      table.endRow(&output.buffer)
    }
    table.finish(&output.buffer)
  }

  private func add(_ cell: String, to table: inout TablePrinter) {
    var text = ByteBuffer(capacity: cell.utf8.count)
    text.append(text: cell)
    table.add(text.bytes)
  }

  private func printMetrics(_ reply: borrowing HubReply, _ output: Output) {
    guard let metrics = reply.member("metrics", of: reply.result) else { return }
    let group = StatusText.Group(title: "METRICS", entries: Members(of: metrics, reply).map { ($0.name, $0.node) })
    StatusText.append([group], of: reply, to: &output.buffer)
  }
}
