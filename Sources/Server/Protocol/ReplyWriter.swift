/// Writes the parts of replies: compact JSON, `success` first. CONTRACT: section 2, "Reply".
internal import Bytes
internal import Hub
internal import JSONText
internal import LogStore

/// What a reply repeats of its request.
struct ReplyHead {
  /// The JSON text of the action; nil when the request could not be parsed.
  var action: [UInt8]?
  /// The JSON text of the request id; empty when none was given.
  var requestID: [UInt8]
  /// The action as such; nil when there is none of that name.
  var kind: Action?
  /// When the request was taken in, or a wait that its client has chosen was over, in microseconds since 1970.
  var arrival: Int64 = 0
  /// For the log; nil when it does not tell of every request.
  var trace: RequestTrace?
  /// For the stream of reads; nil when nothing is read, or reads are not recorded.
  var read: PendingRead?
  /// As long as the reply waits, its agent has a request in flight.
  var admission: Admission?
  /// A conflict is told of without the item that is there: who asks may not read it.
  var hidesItem = false
}

enum ReplyWriter {
  /// `{"success":true,"action":"…","result":`
  static func beginSuccess(_ action: Action, to reply: inout ByteBuffer) {
    reply.append(#"{"success":true,"action":""#)
    reply.append(action.name)
    reply.append(#"","result":"#)
  }

  /// `,"timestamp":"…","request_id":…}`
  static func end(timestamp: borrowing TimestampText, requestID: RawSpan, to reply: inout ByteBuffer) {
    reply.append(#","timestamp":""#)
    reply.append(timestamp.text.bytes)
    reply.append(#"""#)
    if requestID.byteCount > 0 {
      reply.append(#","request_id":"#)
      reply.append(requestID)
    }
    reply.append(#"}"#)
  }

  /// `{"success":false,"action":…,"error":"…","code":"…"`
  static func beginFailure(_ error: HubError, _ head: ReplyHead, to reply: inout ByteBuffer) {
    reply.append(#"{"success":false,"action":"#)
    if let action = head.action {
      reply.append(action.span.bytes)
    } else {
      reply.append("null")
    }
    reply.append(#","error":"#)
    JSONWriter.appendString(text: error.message, to: &reply)
    reply.append(#","code":""#)
    reply.append(text: error.code.rawValue)
    reply.append(#"""#)
    if let wait = error.retryAfterMilliseconds {
      reply.append(#","retry_after_ms":"#)
      reply.append(decimal: UInt64(wait))
    }
    if let floor = error.floor {
      reply.append(#","floor":"#)
      reply.append(decimal: floor.value)
    }
  }

  static func append(_ flag: Bool, to reply: inout ByteBuffer) {
    if flag { reply.append("true") } else { reply.append("false") }
  }

  static func appendPut(_ result: OperationResult, durability: StaticString, to reply: inout ByteBuffer) {
    reply.append(#"{"stored":true,"created":"#)
    append(result.hit, to: &reply)
    reply.append(#","revision":"#)
    reply.append(decimal: result.revision.value)
    reply.append(#","durability":""#)
    reply.append(durability)
    reply.append(#""}"#)
  }

  static func appendDelete(_ result: OperationResult, to reply: inout ByteBuffer) {
    reply.append(#"{"deleted":"#)
    append(result.hit, to: &reply)
    reply.append(#","found":"#)
    append(result.hit, to: &reply)
    reply.append(#","revision":"#)
    reply.append(decimal: result.revision.value)
    reply.append(#"}"#)
  }

  static func appendBatch(_ outcome: BatchOutcome, durability: StaticString, to reply: inout ByteBuffer) {
    reply.append(#"{"revision":"#)
    reply.append(decimal: outcome.revision.value)
    reply.append(#","results":["#)
    for (index, result) in outcome.results.enumerated() {
      if index > 0 { reply.append(",") }
      if result.isPut {
        appendPut(result, durability: durability, to: &reply)
      } else {
        appendDelete(result, to: &reply)
      }
    }
    reply.append("]}")
  }
}
