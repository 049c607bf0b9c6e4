/// Replies, as a client reads them: whatever comes is taken apart or refused.
internal import Bytes
package import FuzzSupport
@testable internal import HubClient
internal import JSONText

package enum ReplyFuzz: FuzzTarget {
  package static let name = "reply"

  package static func run(_ input: RawSpan) throws(FuzzFailure) {
    var reply = HubReply()
    reply.text.append(input)
    do {
      try reply.read()
    } catch {
      guard case .refused(let refusal) = error else { return }
      try require(refusal.code.map { $0.rawValue == refusal.codeText } ?? true, "the refusal's code is another one")
      return
    }
    try require(reply.tape.kind(reply.result) == .object, "the result is no object")
    try visit(reply, reply.result)
  }

  /// Everything that a command asks of a reply, of every node of the result.
  private static func visit(_ reply: borrowing HubReply, _ result: Int) throws(FuzzFailure) {
    for node in result..<reply.tape.after(result) {
      try require(reply.json(node).byteCount > 0, "a value without a text")
      switch reply.tape.kind(node) {
      case .string: _ = reply.string(node)
      case .object:
        _ = reply.string("key", of: node)
        _ = reply.number("revision", of: node)
        _ = reply.flag("found", of: node)
      case .number, .array, .true, .false, .null: break
      }
    }
  }

  /// Reads a reply as a client would.
  ///
  /// - Returns: nil for a success, the code of a refusal.
  /// - Throws: when it is no reply of the protocol.
  package static func outcome(of reply: RawSpan) throws(FuzzFailure) -> String? {
    var read = HubReply()
    read.text.append(reply)
    do {
      try read.read()
      return nil
    } catch {
      guard case .refused(let refusal) = error, refusal.code != nil else {
        throw FuzzFailure("a client can not read the reply \(reply.text()): \(error)")
      }
      return refusal.codeText
    }
  }

  package static var seeds: [FuzzSeed] {
    let end = #","timestamp":"2025-08-07T17:30:00.000000Z""#
    return [
      FuzzSeed(
        "put",
        #"{"success":true,"action":"put","result":{"stored":true,"created":true,"revision":1,"durability":"fsync"}"#
          + end + "}"),
      FuzzSeed(
        "get",
        #"{"success":true,"action":"get","result":{"found":true,"item":{"key":"a","tags":["x"]},"revision":7}"# + end
          + #","request_id":"r\u00e9"}"#),
      FuzzSeed(
        "conflict",
        #"{"success":false,"action":"batch","error":"no","code":"conflict""# + end
          + #","current":{"revision":3,"item":null},"index":2}"#),
      FuzzSeed(
        "overloaded",
        #"{"success":false,"action":null,"error":"later","code":"overloaded","retry_after_ms":50"# + end + "}"),
    ]
  }
}
