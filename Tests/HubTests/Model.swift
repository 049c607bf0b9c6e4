/// What the hub should hold, in the plainest way: a dictionary, a counter, and the rules of the contract.
import Bytes
import CXXHash
import Hub
import LogStore

/// What a put says, and what should be stored for it.
enum ModelContent {
  case memory(content: Int, expiry: Int64?)
  case session(id: Int, expiry: Int64?)
  case knowledge(id: Int)

  var kind: ItemKind {
    switch self {
    case .memory: .memory
    case .session: .session
    case .knowledge: .knowledge
    }
  }

  var expiry: Int64? {
    switch self {
    case .memory(_, let expiry), .session(_, let expiry): expiry
    case .knowledge: nil
    }
  }

  /// The item as it is sent.
  var text: String {
    let expiring = expiry.map { #","expiry_timestamp":"\#(Model.text($0))""# } ?? ""
    switch self {
    case .memory(let content, _): return #"{ "content":"\#(content)"\#(expiring) }"#
    case .session(let id, _): return #"{"session_id" : "\#(id)"\#(expiring)}"#
    case .knowledge(let id): return #"{"category":"c","content":{},"title":"t","knowledge_id":"\#(id)"}"#
    }
  }

  func stored(key: String, creation: Int64, isUpdate: Bool, now: Int64, expiry: Int64?) -> String {
    let created = Model.text(creation)
    let expiring = expiry.map { #","expiry_timestamp":"\#(Model.text($0))""# } ?? ""
    switch self {
    case .memory(let content, _):
      return ItemFixture.memory(
        content: "\"\(content)\"", timestamp: created, updated: isUpdate ? Model.text(now) : nil,
        expiry: expiry.map(Model.text), key: key)
    case .session(let id, _):
      return #"{"session_id":"\#(id)","user_id":null,"created_at":"\#(created)","last_activity":"\#(Model.text(now))","#
        + #""context":{},"conversation_history":[],"preferences":{},"active":true\#(expiring)}"#
    case .knowledge(let id):
      return #"{"knowledge_id":"\#(id)","title":"t","content":{},"category":"c","confidence_score":1.0,"#
        + #""created_at":"\#(created)","updated_at":null,"source":null,"related_items":[],"access_count":0,"#
        + #""last_accessed":null\#(expiring)}"#
    }
  }
}

enum ModelOperation {
  case put(String, ModelContent, ifRevision: UInt64?, ttl: Int64?)
  case delete(String, ifRevision: UInt64?)

  /// As an operation of a batch, which has no `ttl`.
  var forBatch: BatchOperation {
    switch self {
    case .put(let key, let content, let ifRevision, _): .put(key, content.text, ifRevision: ifRevision)
    case .delete(let key, let ifRevision): .delete(key, ifRevision: ifRevision)
    }
  }
}

struct ModelConflict: Error, Equatable {
  /// 0: absent.
  var current: UInt64
  var index: Int?
}

struct Model {
  struct Item: Equatable {
    var revision: UInt64
    var text: String
    var kind: ItemKind
    var creation: Int64
    var expiry: Int64?

    func isDue(_ now: Int64) -> Bool { expiry.map { $0 <= now } ?? false }
  }

  var live: [String: Item] = [:]
  var revision: UInt64 = 0
  var creates: UInt64 = 0
  var updates: UInt64 = 0
  var deletes: UInt64 = 0
  var expires: UInt64 = 0

  static func text(_ time: Int64) -> String {
    var buffer = ByteBuffer()
    Timestamp.append(time, to: &buffer)
    return buffer.bytes.text()
  }

  func visible(_ key: String, _ now: Int64) -> Item? { live[key].flatMap { $0.isDue(now) ? nil : $0 } }

  /// Carries out one operation or throws; `base` is the model without the batch that the operation is part of.
  mutating func apply(
    _ operation: ModelOperation, _ now: Int64, index: Int?, base: Model
  ) throws(ModelConflict) -> OperationResult {
    switch operation {
    case .delete(let key, let ifRevision):
      try check(key, ifRevision, now, index, base)
      guard visible(key, now) != nil else { return result(isPut: false, hit: false) }
      live[key] = nil
      revision += 1
      deletes += 1
      return result(isPut: false, hit: true)
    case .put(let key, let content, let ifRevision, let ttl):
      try check(key, ifRevision, now, index, base)
      if live[key]?.isDue(now) == true { expire(key) }
      let old = live[key]
      let creation = old?.creation ?? now
      let expiry = content.expiry ?? ttl.map { now + $0 }
      revision += 1
      if old == nil { creates += 1 } else { updates += 1 }
      live[key] = Item(
        revision: revision,
        text: content.stored(key: key, creation: creation, isUpdate: old != nil, now: now, expiry: expiry),
        kind: content.kind, creation: creation, expiry: expiry)
      return result(isPut: true, hit: old == nil)
    }
  }

  private func check(
    _ key: String, _ ifRevision: UInt64?, _ now: Int64, _ index: Int?, _ base: Model
  ) throws(ModelConflict) {
    guard let ifRevision, ifRevision != visible(key, now)?.revision ?? 0 else { return }
    throw ModelConflict(current: base.visible(key, now)?.revision ?? 0, index: index)
  }

  private func result(isPut: Bool, hit: Bool) -> OperationResult {
    OperationResult(isPut: isPut, hit: hit, revision: .init(revision))
  }

  mutating func expire(_ key: String) {
    live[key] = nil
    revision += 1
    expires += 1
  }

  /// The keys that are due, the longest due first.
  func due(_ now: Int64) -> [String] {
    live.filter { $0.value.isDue(now) }
      .sorted { ($0.value.expiry!, $0.key) < ($1.value.expiry!, $1.key) }.map(\.key)
  }

  /// CONTRACT: "State checksum", from its words.
  var checksum: String {
    var sum: UInt128 = 0
    for (key, item) in live {
      func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Value($0 * 8)) }
      }
      let block =
        bytes(UInt32(key.utf8.count)) + Array(key.utf8) + bytes(item.revision) + bytes(UInt32(item.text.utf8.count))
        + Array(item.text.utf8)
      let hash = XXH3_128bits(block, block.count)
      sum &+= UInt128(hash.high64) << 64 | UInt128(hash.low64)
    }
    let digits = String(sum, radix: 16)
    return String(repeating: "0", count: 32 - digits.count) + digits
  }
}
