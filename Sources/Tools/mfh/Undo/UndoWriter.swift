/// Writes what an undo has decided, in atomic batches, each key only if it is still as it was looked at.
internal import Bytes
internal import HubClient
internal import JSONText
internal import Programs

struct UndoWriter {
  let session: Session
  /// Stands in every event, so that the log tells why it was written.
  private static let correlation = "undo"

  /// What a hub takes by default, in operations and, with room to spare, in bytes.
  static let operationsMax = 1_024
  static let batchBytes = 2 << 20

  typealias Operation = (key: String, decision: UndoDecision)

  /// An operation that was done.
  struct Done {
    let key: String
    let decision: UndoDecision
    let revision: UInt64
  }

  /// What became of a batch.
  enum Outcome {
    case done([Done])
    /// A key was changed since it was looked at; nothing was written.
    case conflict(key: String)
    /// The hub takes less at a time; nothing was written.
    case tooLarge
  }

  /// About how much of a request an operation takes.
  static func bytes(_ key: String, _ decision: UndoDecision) -> Int {
    let names = key.utf8.count * 2 + 64
    if case .restore(let item, _) = decision { return names + item.count }
    return names
  }

  func write(_ decisions: [UndoWriter.Operation]) throws(Failure) -> Outcome {
    let requestID = RequestID.random()
    var request = session.write("batch", requestID: requestID)
    request.add("correlation_id", UndoWriter.correlation)
    request.add("operations", json: UndoWriter.operations(decisions).bytes)
    var reply = HubReply()
    do {
      try session.perform(request, session.attempt(requestID: requestID), reply: &reply)
    } catch {
      if error.refusal?.code == .conflict, let index = error.refusal?.operationIndex, index < UInt64(decisions.count) {
        return .conflict(key: decisions[Int(index)].key)
      }
      if error.refusal?.code == .tooLarge, decisions.count > 1 { return .tooLarge }
      if error.mayPass {
        throw Failure(error.status, "\(error.message); or run the same undo again: it goes on where this one ended")
      }
      throw error
    }
    return .done(try UndoWriter.results(decisions, reply))
  }

  private static func operations(_ decisions: [UndoWriter.Operation]) -> ByteBuffer {
    var array = ByteBuffer(capacity: 64 << 10)
    for (key, decision) in decisions {
      array.append(array.count == 0 ? "[" : ",")
      let condition: UInt64
      switch decision {
      case .restore(let item, let ifRevision):
        array.append("{\"op\":\"put\",\"item\":")
        array.append(item.span.bytes)
        condition = ifRevision
      case .delete(let ifRevision, _):
        array.append("{\"op\":\"delete\"")
        condition = ifRevision
      case .asItWas, .changedSince, .unreadable: preconditionFailure("only what is to be written is given")
      }
      array.append(",\"key\":")
      JSONWriter.appendString(text: key, to: &array)
      array.append(",\"if_revision\":")
      array.append(decimal: condition)
      array.append("}")
    }
    array.append("]")
    return array
  }

  private static func results(
    _ decisions: [UndoWriter.Operation], _ reply: borrowing HubReply
  ) throws(Failure) -> [Done] {
    let results = try reply.required("results", of: reply.result)
    guard reply.tape.kind(results) == .array, reply.tape.count(results) == decisions.count else {
      throw Failure(.unavailable, "the hub's answer does not have a result for each operation: update mfh, or the hub")
    }
    var done: [Done] = []
    var result = reply.tape.firstChild(results)
    for (key, decision) in decisions {
      done.append(Done(key: key, decision: decision, revision: try reply.requiredNumber("revision", of: result)))
      result = reply.tape.after(result)
    }
    return done
  }
}
