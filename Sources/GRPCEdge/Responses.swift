/// Replies of the JSON protocol as messages.
internal import HubProtos

/// A message that is made of the result of a reply.
protocol HubResponse {
  /// - Parameter key: the key that was asked for, where there is one.
  init(_ reply: JSONDocument, _ result: Int, key: String)
}

extension MemoryFusion_GetResponse: HubResponse {
  init(_ reply: JSONDocument, _ result: Int, key: String) {
    self.init()
    found = reply.flag("found", of: result)
    revision = reply.uint64("revision", of: result) ?? 0
    guard let item = reply.member("item", of: result) else { return }
    self.item = MemoryFusion_MemoryItem(reply, item, key: key)
    itemJson = reply.raw(item)
  }
}

extension MemoryFusion_PutResponse: HubResponse {
  init(_ reply: JSONDocument, _ result: Int, key: String) {
    self.init()
    success = reply.flag("stored", of: result)
    created = reply.flag("created", of: result)
    revision = reply.uint64("revision", of: result) ?? 0
    durability = reply.string("durability", of: result) ?? ""
  }
}

extension MemoryFusion_DeleteResponse: HubResponse {
  init(_ reply: JSONDocument, _ result: Int, key: String) {
    self.init()
    success = true
    found = reply.flag("found", of: result)
    revision = reply.uint64("revision", of: result) ?? 0
  }
}

extension MemoryFusion_BatchGetResponse: HubResponse {
  init(_ reply: JSONDocument, _ result: Int, key: String) {
    self.init()
    for (name, value) in reply.members(reply.member("items", of: result)) {
      var item = MemoryFusion_MemoryItem(reply, value, key: name)
      item.itemJson = reply.raw(value)
      items[name] = item
    }
    for (name, value) in reply.members(reply.member("revisions", of: result)) { revisions[name] = reply.number(value) }
    missingKeys = reply.elements(reply.member("missing_keys", of: result)).map(reply.string)
    revision = reply.uint64("revision", of: result) ?? 0
  }
}

extension MemoryFusion_ExistsResponse: HubResponse {
  init(_ reply: JSONDocument, _ result: Int, key: String) {
    self.init()
    exists = reply.flag("exists", of: result)
  }
}

extension MemoryFusion_ListKeysResponse: HubResponse {
  init(_ reply: JSONDocument, _ result: Int, key: String) {
    self.init()
    keys = reply.elements(reply.member("keys", of: result)).map(reply.string)
    more = reply.flag("more", of: result)
  }
}

extension MemoryFusion_HealthResponse: HubResponse {
  init(_ reply: JSONDocument, _ result: Int, key: String) {
    self.init()
    status = reply.string("status", of: result) ?? ""
    service = reply.string("service", of: result) ?? ""
    timestamp = reply.string("timestamp", of: result) ?? ""
    for (name, value) in reply.members(reply.member("components", of: result)) {
      var component = MemoryFusion_ComponentHealth()
      component.healthy = reply.flag("healthy", of: value)
      for (name, text) in reply.members(reply.member("info", of: value)) { component.info[name] = reply.string(text) }
      components[name] = component
    }
  }
}

extension MemoryFusion_BatchResponse: HubResponse {
  init(_ reply: JSONDocument, _ result: Int, key: String) {
    self.init()
    revision = reply.uint64("revision", of: result) ?? 0
    results = reply.elements(reply.member("results", of: result)).map { MemoryFusion_BatchResult(reply, $0) }
  }
}

extension MemoryFusion_BatchResult {
  init(_ reply: JSONDocument, _ result: Int) {
    self.init()
    let revision = reply.uint64("revision", of: result) ?? 0
    if reply.has("stored", in: result) {
      put.created = reply.flag("created", of: result)
      put.revision = revision
      put.durability = reply.string("durability", of: result) ?? ""
    } else {
      delete.found = reply.flag("found", of: result)
      delete.revision = revision
    }
  }
}

extension MemoryFusion_HistoryResponse: HubResponse {
  init(_ reply: JSONDocument, _ result: Int, key: String) {
    self.init()
    events = reply.elements(reply.member("events", of: result)).map { MemoryFusion_MemoryEvent(reply, $0) }
    more = reply.flag("more", of: result)
  }
}

extension MemoryFusion_ChecksumResponse: HubResponse {
  init(_ reply: JSONDocument, _ result: Int, key: String) {
    self.init()
    revision = reply.uint64("revision", of: result) ?? 0
    keys = reply.uint64("keys", of: result) ?? 0
    checksum = reply.string("checksum", of: result) ?? ""
  }
}
