/// What the log may tell of one request: who asked for what and when, in one small array until the reply is made.
///
/// Neither key nor item is ever part of it.
internal import Bytes
internal import Logging

struct RequestTrace {
  /// Microseconds since 1970, and after a wait that its client has chosen the end of it; 0 when nobody took the time.
  var arrival: Int64
  /// What it asks for; nil when that is not known, and then it is not repeated: it may be anything.
  var action: Action?
  /// Bytes of the key; nil when the request names none.
  var keyBytes: Int?
  private var names: [UInt8]
  private var agentEnd: Int
  private var correlationEnd: Int

  /// - Parameters: the names in `strings`, where empty ranges mean that none was given.
  init(
    arrival: Int64, action: Action?, keyBytes: Int?, strings: RawSpan, agent: Range<Int>,
    correlation: Range<Int>, request: Range<Int>
  ) {
    self.arrival = arrival
    self.action = action
    self.keyBytes = keyBytes
    agentEnd = agent.count
    correlationEnd = agent.count + correlation.count
    // They are decoded one behind the other: then it is one copy, which each write pays for.
    if let whole = RequestTrace.joined(RequestTrace.joined(agent, correlation), request) {
      names = strings.extracting(whole).array()
    } else {
      names = strings.extracting(agent).array() + strings.extracting(correlation).array()
      names += strings.extracting(request).array()
    }
  }

  /// Two ranges as one, if the second begins where the first ends, or one of them is empty.
  private static func joined(_ first: Range<Int>?, _ second: Range<Int>) -> Range<Int>? {
    guard let first else { return nil }
    if first.isEmpty || second.isEmpty { return first.isEmpty ? second : first }
    return first.upperBound == second.lowerBound ? first.lowerBound..<second.upperBound : nil
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
