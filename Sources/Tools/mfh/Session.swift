/// One run of a command: its connection, its output, and the way from the library's errors to the user's.
internal import Bytes
internal import Glibc
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

final class Session {
  let output = Output()
  let address: HubAddress
  let agentID: String
  let format: OutputFormat
  private let apiKey: APIKey?
  /// The hub remembers a request id for an agent only.
  private let isKnown: Bool
  private let seconds: Double
  private let client: HubClient

  /// After this long without a connection somebody at a terminal is told.
  private static let quietWait = Duration.seconds(1)

  convenience init(_ options: ClientOptions) throws(Failure) {
    try self.init(options.connection, agentID: try options.agentID)
  }

  init(_ options: ConnectionOptions, agentID: String) throws(Failure) {
    address = try options.address
    apiKey = try options.apiKey
    let encryption = try options.encryption
    isKnown = agentID.isEmpty ? try options.belongsToAgent : true
    self.agentID = agentID
    format = options.format
    seconds = options.seconds
    do {
      client = try HubClient(address, encryption: encryption)
    } catch {
      throw Failure(error, at: address, within: options.seconds, .read)
    }
  }

  func request(_ action: StaticString) -> HubRequest { HubRequest(action, agentID: agentID, apiKey: apiKey) }

  /// A request that writes, with the id that makes repeating it safe.
  func write(_ action: StaticString, requestID: String) -> HubRequest {
    var request = request(action)
    request.add("request_id", requestID)
    return request
  }

  /// - Parameter extraSeconds: how much longer than the time limit the hub may take, because it was told so.
  func perform(
    _ request: consuming HubRequest, _ attempt: Attempt = .read, extraSeconds: Double = 0, reply: inout HubReply
  ) throws(Failure) {
    do {
      let deadline = Deadline(after: .seconds(seconds + extraSeconds))
      try connect(before: deadline)
      try client.perform(request, before: deadline, reply: &reply)
    } catch {
      throw Failure(error, at: address, within: seconds, attempt)
    }
  }

  func attempt(requestID: String) -> Attempt { .write(requestID: requestID, isRepeatable: isKnown) }

  private func connect(before deadline: Deadline) throws(HubClientError) {
    guard isatty(STDERR_FILENO) == 1, seconds > 1 else { return }
    do {
      try client.connect(before: Deadline(after: Session.quietWait))
    } catch .unreachable {
      Session.note("\rwaiting for \(address) …")
      defer { Session.note("\r\u{1B}[K") }
      try client.connect(before: deadline)
    }
  }

  private static func note(_ text: String) { _ = Glibc.write(STDERR_FILENO, text, text.utf8.count) }

  // MARK: Output

  /// Prints a node of the reply on a line of its own: byte for byte as the hub sent it, except to a terminal.
  func printJSON(_ node: Int, of reply: borrowing HubReply) {
    if output.isTerminal {
      DisplayText.appendJSON(reply.json(node), to: &output.buffer)
    } else {
      output.buffer.append(reply.json(node))
    }
    output.buffer.append("\n")
  }

  /// Prints a line of text that was made here; parts from elsewhere are shown through `DisplayText`.
  func printLine(_ text: String) { output.buffer.append(text: DisplayText.line(text) + "\n") }

  /// Writes what is left. Every command ends with it.
  func finish() throws(Failure) {
    output.flush()
    if let failure = output.failure {
      throw Failure(.inputOutput, "standard output: \(failure); the rest was not written")
    }
  }
}

extension HubReply {
  /// A member that the contract promises.
  func required(_ name: StaticString, of object: Int) throws(Failure) -> Int {
    guard let node = member(name, of: object) else { throw HubReply.lacks(name) }
    return node
  }

  func requiredNumber(_ name: StaticString, of object: Int) throws(Failure) -> UInt64 {
    guard let value = number(name, of: object) else { throw HubReply.lacks(name) }
    return value
  }

  func requiredFlag(_ name: StaticString, of object: Int) throws(Failure) -> Bool {
    guard let value = flag(name, of: object) else { throw HubReply.lacks(name) }
    return value
  }

  func requiredString(_ name: StaticString, of object: Int) throws(Failure) -> String {
    guard let value = string(name, of: object) else { throw HubReply.lacks(name) }
    return value
  }

  private static func lacks(_ name: StaticString) -> Failure {
    Failure(.unavailable, "the hub's answer has no \"\(name)\" as this version knows it: update mfh, or the hub")
  }
}
