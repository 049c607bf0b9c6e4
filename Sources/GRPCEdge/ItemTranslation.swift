/// MemoryItem and the item's JSON, both ways. CONTRACT: section 3, "An item put over one transport reads the same over
/// the other".
internal import GRPCCore
internal import Hub
internal import HubProtos
internal import JSONText

extension MemoryFusion_MemoryItem {
  /// An item of a reply in the plain fields: a memory field by field, other records as a whole.
  init(_ reply: JSONDocument, _ item: Int, key: String) {
    self.init()
    guard !reply.isRecord(item) else {
      self.key = key
      jsonContent = reply.raw(item)
      return
    }
    self.key = reply.string("key", of: item) ?? key
    if let content = reply.member("content", of: item) {
      if reply.kind(content) == .string {
        textContent = reply.string(content)
      } else {
        jsonContent = reply.raw(content)
      }
    }
    memoryType = reply.string("memory_type", of: item) ?? ""
    timestamp = reply.string("timestamp", of: item) ?? ""
    if let time = reply.string("updated_at", of: item) { updatedAt = time }
    for (name, value) in reply.members(reply.member("metadata", of: item)) { metadata[name] = reply.string(value) }
    tags = reply.elements(reply.member("tags", of: item)).map(reply.string)
    if let agent = reply.string("source_agent", of: item) { sourceAgent = agent }
    if let time = reply.string("expiry_timestamp", of: item) { expiryTimestamp = time }
  }

  /// The item's JSON for a request.
  func json() throws(RPCError) -> [UInt8] {
    if hasItemJson { return try MemoryFusion_MemoryItem.checked(itemJson) }
    if isWholeRecord { return Array(jsonContent.utf8) }
    var text = ObjectText()
    text.given("key", key)
    switch content {
    case .textContent(let value): text.string("content", value)
    case .jsonContent(let value): try text.json("content", value, what: "json_content")
    case nil: break
    }
    text.given("memory_type", memoryType)
    text.given("timestamp", timestamp)
    text.given("updated_at", updatedAt)
    if !metadata.isEmpty { text.map("metadata", metadata) }
    if !tags.isEmpty { text.strings("tags", tags) }
    text.given("source_agent", sourceAgent)
    text.given("expiry_timestamp", expiryTimestamp)
    return text.end()
  }

  static func checked(_ json: String) throws(RPCError) -> [UInt8] {
    let bytes = Array(json.utf8)
    do { _ = try JSONDocument(bytes) } catch {
      throw RPCError(.invalidJSON, "item_json is not valid JSON: \(error.text)")
    }
    return bytes
  }

  /// Whether this is what a read gave for a session or a knowledge record: nothing but a key and the whole record. A
  /// memory has a type.
  private var isWholeRecord: Bool {
    guard case .jsonContent(let value)? = content else { return false }
    guard memoryType.isEmpty, timestamp.isEmpty, !hasUpdatedAt, metadata.isEmpty, tags.isEmpty, !hasSourceAgent,
      !hasExpiryTimestamp, let record = try? JSONDocument(Array(value.utf8))
    else { return false }
    return record.isRecord(JSONDocument.root)
  }
}

extension JSONDocument {
  /// Whether an item is a session or a knowledge record, by the hub's own rule.
  func isRecord(_ item: Int) -> Bool {
    if let type = string("item_type", of: item) { return type == "session" || type == "knowledge" }
    return has("session_id", in: item) || has("knowledge_id", in: item)
  }
}

extension MemoryFusion_MemoryEvent {
  init(_ reply: JSONDocument, _ event: Int) {
    self.init()
    eventID = reply.string("event_id", of: event) ?? ""
    eventType = reply.string("event_type", of: event) ?? ""
    targetKey = reply.string("target_key", of: event) ?? ""
    timestamp = reply.string("timestamp", of: event) ?? ""
    if let agent = reply.string("agent_id", of: event) { agentID = agent }
    if let item = reply.raw("payload", of: event) { payload = item }
    if let item = reply.raw("previous_value", of: event) { previousValue = item }
    if let correlation = reply.string("correlation_id", of: event) { correlationID = correlation }
    revision = reply.uint64("sequence_number", of: event) ?? 0
    if let number = Int32(exactly: revision) { sequenceNumber = number }
  }
}
