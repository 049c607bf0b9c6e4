/// `put`, `delete`, `batch`.
internal import Bytes
internal import Hub
internal import JSONText
internal import LogStore

extension RequestProcessor {
  func put(_ body: RawSpan) throws(HubError) -> Disposition {
    let key = try key(request.node(.key), body)
    guard let item = request.node(.item) else { throw HubError(.invalidRequest, "the field \"item\" is missing") }
    let ifRevision = try condition(request.node(.ifRevision), tape, body)
    let ttl = try timeToLive(body)
    setFingerprint(.put, body, key, item)
    let outcome = try RequestProcessor.put(
      hub, request, tape, body, key, item: item, ifRevision, ttl, fingerprint(scratch))
    return .wait(ticket: outcome.ticket, head(body), .put(outcome.result))
  }

  private static func put(
    _ hub: MemoryHub, _ request: borrowing Request, _ tape: borrowing JSONTape, _ body: RawSpan, _ key: Range<Int>,
    item: Int, _ ifRevision: UInt64?, _ ttl: Int64?, _ fingerprint: UInt64
  ) throws(HubError) -> WriteOutcome {
    let keyBytes = request.decoded.bytes.extracting(key)
    return try hub.put(key: keyBytes, ifRevision: ifRevision, by: writer(request, fingerprint)) {
      (replaced, now, buffer) throws(HubError) in
      try normalise(hub, tape, body, item: item, key: keyBytes, ttl: ttl, replaced: replaced, now: now, to: &buffer)
    }
  }

  private static func normalise(
    _ hub: MemoryHub, _ tape: borrowing JSONTape, _ body: RawSpan, item: Int, key: RawSpan, ttl: Int64?,
    replaced: Int64?, now: Int64, to buffer: inout ByteBuffer
  ) throws(HubError) -> StoredItem {
    var normaliser = ItemNormaliser(
      node: item, now: now, replacedCreation: replaced, ttlExpiry: try expiry(ttl, now),
      itemBytesMax: hub.limits.itemBytes)
    return try normaliser.append(tape, body, key: key, to: &buffer)
  }

  private static func expiry(_ ttl: Int64?, _ now: Int64) throws(HubError) -> Int64? {
    guard let ttl else { return nil }
    let (expiry, overflow) = now.addingReportingOverflow(ttl)
    guard !overflow, expiry <= Timestamp.latest else {
      throw HubError(.invalidRequest, "ttl_seconds reaches beyond the year 9999")
    }
    return expiry
  }

  func delete(_ body: RawSpan) throws(HubError) -> Disposition {
    let key = try key(request.node(.key), body)
    let ifRevision = try condition(request.node(.ifRevision), tape, body)
    setFingerprint(.delete, body, key, nil)
    let outcome = try RequestProcessor.delete(hub, request, key, ifRevision, fingerprint(scratch))
    return .wait(ticket: outcome.ticket, head(body), .delete(outcome.result))
  }

  private static func delete(
    _ hub: MemoryHub, _ request: borrowing Request, _ key: Range<Int>, _ ifRevision: UInt64?, _ fingerprint: UInt64
  ) throws(HubError) -> WriteOutcome {
    try hub.delete(
      key: request.decoded.bytes.extracting(key), ifRevision: ifRevision, by: writer(request, fingerprint))
  }

  @_lifetime(borrow request)
  static func writer(_ request: borrowing Request, _ fingerprint: UInt64) -> Writer {
    let decoded = request.decoded.bytes
    return Writer(
      agent: decoded.extracting(request.agent), correlation: decoded.extracting(request.correlation),
      request: decoded.extracting(request.requestID), fingerprint: fingerprint)
  }

  // MARK: Batch

  /// One operation as it was read; checked before the first one is planned.
  private struct Operation {
    var isPut: Bool
    var key: Range<Int>
    var item: Int
    var ifRevision: UInt64?
  }

  func batch(_ body: RawSpan) throws(HubError) -> Disposition {
    let operations = try readOperations(body)
    setFingerprint(.batch, body, 0..<0, request.node(.operations))
    let outcome = try RequestProcessor.batch(hub, request, tape, body, operations, fingerprint(scratch))
    return .wait(ticket: outcome.ticket, head(body), .batch(outcome))
  }

  private func readOperations(_ body: RawSpan) throws(HubError) -> [Operation] {
    guard let node = request.node(.operations) else {
      throw HubError(.invalidRequest, "the field \"operations\" is missing")
    }
    guard tape.kind(node) == .array else { throw Request.wrongType("operations", "an array of objects") }
    let count = tape.count(node)
    guard count > 0 else { throw HubError(.invalidRequest, "the batch has no operations") }
    guard count <= hub.limits.batchOperations else {
      throw HubError(
        .tooLarge, "the batch has \(count) operations, the limit batch_operations is \(hub.limits.batchOperations)")
    }
    var operations: [Operation] = []
    operations.reserveCapacity(count)
    var element = tape.firstChild(node)
    for index in 0..<count {
      do {
        operations.append(try readOperation(element, body))
      } catch {
        throw HubError(error.code, "operation \(index): \(error.message)")
      }
      element = tape.after(element)
    }
    return operations
  }

  private func readOperation(_ node: Int, _ body: RawSpan) throws(HubError) -> Operation {
    guard tape.kind(node) == .object else { throw HubError(.invalidRequest, "it must be an object") }
    guard let kind = tape.member("op", of: node, in: body) else {
      throw HubError(.invalidRequest, "the field \"op\" is missing: it is put or delete")
    }
    let isPut = tape.isString(kind, "put", in: body)
    guard isPut || tape.isString(kind, "delete", in: body) else {
      throw HubError(.invalidRequest, "the field \"op\" must be put or delete")
    }
    let key = try key(tape.member("key", of: node, in: body), body)
    let ifRevision = try condition(given("if_revision", node, body), tape, body)
    let item = given("item", node, body)
    if isPut, item == nil { throw HubError(.invalidRequest, "the field \"item\" is missing") }
    return Operation(isPut: isPut, key: key, item: item ?? 0, ifRevision: ifRevision)
  }

  /// A member that is there and not null.
  private func given(_ name: StaticString, _ node: Int, _ body: RawSpan) -> Int? {
    tape.member(name, of: node, in: body).flatMap { tape.kind($0) == .null ? nil : $0 }
  }

  private static func batch(
    _ hub: MemoryHub, _ request: borrowing Request, _ tape: borrowing JSONTape, _ body: RawSpan,
    _ operations: [Operation], _ fingerprint: UInt64
  ) throws(HubError) -> BatchOutcome {
    let writer = writer(request, fingerprint)
    if var repeated = try hub.findRepeatedBatch(writer) {
      var results: [OperationResult] = []
      for operation in operations {
        let key = request.decoded.bytes.extracting(operation.key)
        results.append(try repeated.next(isPut: operation.isPut, key: key, hub: hub))
      }
      return BatchOutcome(ticket: repeated.ticket, results: results, revision: repeated.revision)
    }
    let now = hub.beginBatch()
    for (index, operation) in operations.enumerated() {
      let key = request.decoded.bytes.extracting(operation.key)
      do {
        if operation.isPut {
          try hub.addPut(key: key, ifRevision: operation.ifRevision, at: now, index: index) {
            (replaced, now, buffer) throws(HubError) in
            try normalise(
              hub, tape, body, item: operation.item, key: key, ttl: nil, replaced: replaced, now: now, to: &buffer)
          }
        } else {
          try hub.addDelete(key: key, ifRevision: operation.ifRevision, at: now, index: index)
        }
      } catch {
        var named = error
        named.message = "operation \(index): \(error.message)"
        throw named
      }
    }
    return try hub.commitBatch(by: writer)
  }

  // MARK: Fields

  private func condition(
    _ node: Int?, _ tape: borrowing JSONTape, _ body: RawSpan
  ) throws(HubError) -> UInt64? {
    guard let node else { return nil }
    return try Request.wholeNumber(node, "if_revision", tape, body)
  }

  /// Microseconds.
  private func timeToLive(_ body: RawSpan) throws(HubError) -> Int64? {
    guard let node = request.node(.ttlSeconds) else { return nil }
    guard tape.kind(node) == .number else { throw Request.wrongType("ttl_seconds", "a number greater than 0") }
    switch DurationText.parse(body.extracting(tape.range(node))) {
    case .microseconds(let value): return value
    case .notPositive: throw Request.wrongType("ttl_seconds", "a number greater than 0")
    case .tooLong: throw HubError(.invalidRequest, "ttl_seconds reaches beyond the year 9999")
    }
  }

  /// Puts what makes two writes "the same" into `scratch`: action, key, content, conditions; no ids, no white space.
  private func setFingerprint(_ action: Action, _ body: RawSpan, _ key: Range<Int>, _ content: Int?) {
    scratch.removeAll(shrinkingAbove: 256 << 10)
    guard !request.requestID.isEmpty, !request.agent.isEmpty else { return }
    scratch.append(action.name)
    scratch.append(littleEndian: UInt32(key.count))
    RequestProcessor.append(request, key, to: &scratch)
    for node in [content, request.node(.ifRevision), request.node(.ttlSeconds)] {
      scratch.append(UInt8(0))
      if let node { JSONWriter.appendMinified(body.extracting(tape.range(node)), to: &scratch) }
    }
  }

  private static func append(_ request: borrowing Request, _ key: Range<Int>, to buffer: inout ByteBuffer) {
    buffer.append(request.decoded.bytes.extracting(key))
  }

  private func fingerprint(_ content: borrowing ByteBuffer) -> UInt64 { Checksum.xxh3(content.bytes, seed: 0) }
}
