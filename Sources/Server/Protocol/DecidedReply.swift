/// What a reply will say once the commit that it depends on is acknowledged; item bytes are read only then.
internal import Bytes
internal import Hub
internal import LogStore

enum DecidedReply {
  case put(OperationResult)
  case delete(OperationResult)
  case batch(BatchOutcome)
  case get(VersionEntry?)
  case exists(Bool)
  case checksum
  case redact(RedactionOutcome)
  case failure(HubError)

  /// Whether making the reply reads an item from the disk; then it may be large.
  var readsItem: Bool {
    switch self {
    case .get(let entry): entry != nil
    case .failure(let error): error.conflict?.current != nil
    case .put, .delete, .batch, .exists, .checksum, .redact: false
    }
  }

  /// The revision that the reply tells of; 0 for none.
  var revision: UInt64 {
    switch self {
    case .put(let result), .delete(let result): result.revision.value
    case .batch(let outcome): outcome.revision.value
    case .get(let entry): entry?.revision.value ?? 0
    case .redact(let outcome): outcome.revisions.last?.value ?? 0
    case .exists, .checksum, .failure: 0
    }
  }
}

extension RequestProcessor {
  /// Appends the reply of a request that was decided before.
  func append(_ decided: DecidedReply, _ head: ReplyHead, to reply: inout ByteBuffer) {
    let start = reply.count
    do throws(HubError) {
      if case .failure(let error) = decided { throw error }
      reply.append(#"{"success":true,"action":"#)
      if let action = head.action { reply.append(action.span.bytes) }
      reply.append(#","result":"#)
      try appendResult(decided, to: &reply)
      if let read = head.read { record(read) }
      end(requestID: head.requestID.span.bytes, &reply)
      if let action = head.kind { noteSuccess(action, head.arrival) }
      logReply(head, nil, decided.revision)
    } catch {
      reply.truncate(to: start)
      appendFailure(error, head, to: &reply)
    }
  }

  private func appendResult(_ decided: DecidedReply, to reply: inout ByteBuffer) throws(HubError) {
    switch decided {
    case .put(let result): ReplyWriter.appendPut(result, durability: service.durability, to: &reply)
    case .delete(let result): ReplyWriter.appendDelete(result, to: &reply)
    case .batch(let outcome): ReplyWriter.appendBatch(outcome, durability: service.durability, to: &reply)
    case .get(let entry): try appendFound(entry, to: &reply)
    case .exists(let exists): appendExists(exists, to: &reply)
    case .checksum: appendChecksum(to: &reply)
    case .redact(let outcome): appendRedaction(outcome, to: &reply)
    case .failure(let error): throw error
    }
  }

  func appendFound(_ entry: VersionEntry?, to reply: inout ByteBuffer) throws(HubError) {
    guard let entry else {
      reply.append(#"{"found":false,"item":null,"revision":0}"#)
      return
    }
    reply.append(#"{"found":true,"item":"#)
    try hub.readItem(entry, into: &reply)
    reply.append(#","revision":"#)
    reply.append(decimal: entry.revision.value)
    reply.append(#"}"#)
  }

  func appendExists(_ exists: Bool, to reply: inout ByteBuffer) {
    reply.append(#"{"exists":"#)
    ReplyWriter.append(exists, to: &reply)
    reply.append(#"}"#)
  }

  func appendChecksum(to reply: inout ByteBuffer) {
    reply.append(#"{"revision":"#)
    reply.append(decimal: hub.state.revision.value)
    reply.append(#","keys":"#)
    reply.append(decimal: UInt64(hub.state.keyCount))
    reply.append(#","checksum":""#)
    reply.append(text: hub.state.checksum.text)
    reply.append(#""}"#)
  }
}
