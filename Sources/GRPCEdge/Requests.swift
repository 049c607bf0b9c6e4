/// Calls as requests of the JSON protocol: each message says which action it is, and with what.
internal import Access
internal import GRPCCore
internal import Hub
internal import HubProtos

/// Who calls, as far as the transport can tell. What that entitles to is decided where requests are processed.
struct Caller: Sendable {
  /// The key in the metadata `authorization: Bearer KEY`; empty for none.
  let bearer: [UInt8]
  /// The key of the certificate that the connection has shown.
  let certificate: PublicKeyPin?

  init(_ metadata: Metadata) {
    let token = metadata[stringValues: "authorization"].lazy.compactMap(Caller.token).first { _ in true }
    bearer = token.map { Array($0.utf8) } ?? []
    certificate = CertificateHeader.pin(metadata)
  }

  private static func token(_ value: String) -> String? {
    let scheme = "bearer "
    guard value.utf8.count > scheme.utf8.count, value.prefix(scheme.count).lowercased() == scheme else { return nil }
    return String(value.dropFirst(scheme.count))
  }
}

/// A message that is translated into a request.
protocol HubRequest {
  func request() throws(RPCError) -> [UInt8]
}

extension ObjectText {
  init(_ action: StaticString, agent: String, correlation: String = "", request: String = "") {
    self.init()
    string("action", "\(action)")
    given("agent_id", agent)
    given("correlation_id", correlation)
    given("request_id", request)
  }

  mutating func wait(_ revision: UInt64?, _ milliseconds: UInt32?) {
    if let revision { number("min_revision", revision) }
    if let milliseconds { number("wait_ms", milliseconds) }
  }

  /// 0 is the default, as proto3 can not tell it from one that was not given.
  mutating func limit(_ value: Int32) { if value != 0 { number("limit", value) } }

  mutating func item(_ name: StaticString, _ json: String?, _ item: MemoryFusion_MemoryItem?) throws(RPCError) {
    if let json {
      try self.json(name, json, what: "item_json")
    } else if let item {
      trusted(name, try item.json())
    }
  }
}

extension MemoryFusion_GetRequest: HubRequest {
  func request() -> [UInt8] {
    var text = ObjectText("get", agent: agentID, correlation: correlationID)
    text.string("key", key)
    if hasAtRevision { text.number("at_revision", atRevision) }
    if hasAtTime { text.string("at_time", atTime) }
    text.wait(hasMinRevision ? minRevision : nil, hasWaitMs ? waitMs : nil)
    return text.end()
  }
}

extension MemoryFusion_PutRequest: HubRequest {
  func request() throws(RPCError) -> [UInt8] {
    var text = ObjectText("put", agent: agentID, correlation: correlationID, request: requestID)
    text.string("key", key)
    try text.item("item", hasItemJson ? itemJson : nil, hasItem ? item : nil)
    if hasIfRevision { text.number("if_revision", ifRevision) }
    if hasTtlSeconds {
      guard ttlSeconds.isFinite else { throw RPCError(.invalidRequest, "ttl_seconds must be a number greater than 0") }
      text.trusted("ttl_seconds", Array("\(ttlSeconds)".utf8))
    }
    return text.end()
  }
}

extension MemoryFusion_DeleteRequest: HubRequest {
  func request() -> [UInt8] {
    var text = ObjectText("delete", agent: agentID, correlation: correlationID, request: requestID)
    text.string("key", key)
    if hasIfRevision { text.number("if_revision", ifRevision) }
    return text.end()
  }
}

extension MemoryFusion_BatchGetRequest: HubRequest {
  func request() -> [UInt8] {
    var text = ObjectText("batch_get", agent: agentID, correlation: correlationID)
    text.strings("keys", keys)
    text.wait(hasMinRevision ? minRevision : nil, hasWaitMs ? waitMs : nil)
    return text.end()
  }
}

extension MemoryFusion_ExistsRequest: HubRequest {
  func request() -> [UInt8] {
    var text = ObjectText("exists", agent: agentID, correlation: correlationID)
    text.string("key", key)
    text.wait(hasMinRevision ? minRevision : nil, hasWaitMs ? waitMs : nil)
    return text.end()
  }
}

extension MemoryFusion_ListKeysRequest: HubRequest {
  func request() -> [UInt8] {
    var text = ObjectText("list_keys", agent: agentID, correlation: correlationID)
    text.string("prefix", prefix)
    text.limit(limit)
    text.given("start_after", startAfter)
    text.wait(hasMinRevision ? minRevision : nil, hasWaitMs ? waitMs : nil)
    return text.end()
  }
}

extension MemoryFusion_HealthRequest: HubRequest {
  func request() -> [UInt8] { ObjectText("health", agent: "").end() }
}

extension MemoryFusion_HistoryRequest: HubRequest {
  func request() -> [UInt8] {
    var text = ObjectText("history", agent: agentID, correlation: correlationID)
    text.string("key", key)
    text.limit(limit)
    if hasBeforeRevision { text.number("before_revision", beforeRevision) }
    text.wait(hasMinRevision ? minRevision : nil, hasWaitMs ? waitMs : nil)
    return text.end()
  }
}

extension MemoryFusion_ChecksumRequest: HubRequest {
  func request() -> [UInt8] {
    var text = ObjectText("checksum", agent: agentID)
    text.wait(hasMinRevision ? minRevision : nil, hasWaitMs ? waitMs : nil)
    return text.end()
  }
}

extension MemoryFusion_BatchRequest: HubRequest {
  func request() throws(RPCError) -> [UInt8] {
    var text = ObjectText("batch", agent: agentID, correlation: correlationID, request: requestID)
    var elements: [[UInt8]] = []
    for (index, operation) in operations.enumerated() { elements.append(try operation.json(index)) }
    text.trusted("operations", elements: elements)
    return text.end()
  }
}

extension MemoryFusion_BatchOperation {
  func json(_ index: Int) throws(RPCError) -> [UInt8] {
    var text = ObjectText()
    switch operation {
    case .put(let put):
      text.string("op", "put")
      text.string("key", put.key)
      do throws(RPCError) {
        try text.item("item", put.hasItemJson ? put.itemJson : nil, put.hasItem ? put.item : nil)
      } catch {
        throw RPCError(.invalidJSON, "operation \(index): \(error.message)")
      }
      if put.hasIfRevision { text.number("if_revision", put.ifRevision) }
    case .delete(let delete):
      text.string("op", "delete")
      text.string("key", delete.key)
      if delete.hasIfRevision { text.number("if_revision", delete.ifRevision) }
    case nil: throw RPCError(.invalidRequest, "operation \(index): it is neither put nor delete")
    }
    return text.end()
  }
}
