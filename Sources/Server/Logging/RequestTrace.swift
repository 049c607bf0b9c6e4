/// What the log may tell of one request: who asked for what and when, in one small array until the reply is made.
///
/// Neither key nor item is ever part of it.
internal import Bytes
internal import Logging

struct RequestTrace {
  /// Microseconds since 1970; 0 when nobody took the time.
  var arrival: Int64
  /// What it asks for; nil when that is not known, and then it is not repeated: it may be anything.
  var action: Action?
  /// Bytes of the key; nil when the request names none.
  var keyBytes: Int?
  /// It asked for a wait (`wait_ms`, `min_revision`): how long it took says nothing.
  var wantsToWait: Bool
  private var names: [UInt8]
  private var agentEnd: Int
  private var correlationEnd: Int

  /// - Parameters: the names in `strings`, where empty ranges mean that none was given.
  init(
    arrival: Int64, action: Action?, keyBytes: Int?, wantsToWait: Bool, strings: RawSpan, agent: Range<Int>,
    correlation: Range<Int>, request: Range<Int>
  ) {
    self.arrival = arrival
    self.action = action
    self.keyBytes = keyBytes
    self.wantsToWait = wantsToWait
    names = []
    agentEnd = agent.count
    correlationEnd = agent.count + correlation.count
    guard correlationEnd + request.count > 0 else { return }
    names.reserveCapacity(correlationEnd + request.count)
    names.append(contentsOf: strings.extracting(agent).array())
    names.append(contentsOf: strings.extracting(correlation).array())
    names.append(contentsOf: strings.extracting(request).array())
  }

  /// The fields of a log line.
  var fields: Logger.Metadata {
    var fields: Logger.Metadata = ["action": "\(action.map { "\($0.name)" } ?? "")"]
    for (name, range) in [
      ("agent_id", 0..<agentEnd), ("correlation_id", agentEnd..<correlationEnd),
      ("request_id", correlationEnd..<names.count),
    ] where !range.isEmpty { fields[name] = "\(String(decoding: names[range], as: UTF8.self))" }
    if let keyBytes { fields["key_bytes"] = "\(keyBytes)" }
    return fields
  }
}
