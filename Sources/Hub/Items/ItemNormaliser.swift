/// Checks an item and writes it in its stored form: known fields in the contract's order with their defaults filled in,
/// then unknown ones as they came, without white space. CONTRACT: "Items".
package import Bytes
package import JSONText

package struct ItemNormaliser {
  /// The item's node in the tape.
  let node: Int
  /// Microseconds since 1970.
  let now: Int64
  /// The creation time of the live item that is replaced; nil when there is none.
  let replacedCreation: Int64?
  /// The expiry that `ttl_seconds` asks for; nil when it was not given.
  let ttlExpiry: Int64?
  let itemBytesMax: Int

  private var kind = ItemKind.memory
  private var creationTime: Int64 = 0
  private var expiry: Int64 = 0
  private var isFirst = true

  package init(node: Int, now: Int64, replacedCreation: Int64?, ttlExpiry: Int64?, itemBytesMax: Int) {
    self.node = node
    self.now = now
    self.replacedCreation = replacedCreation
    self.ttlExpiry = ttlExpiry
    self.itemBytesMax = itemBytesMax
  }

  /// Appends the stored form to `buffer`.
  ///
  /// - Throws: `invalid_item` naming the field, `invalid_request` (both `ttl_seconds` and `expiry_timestamp`),
  ///   `too_large`. The buffer may then hold a part of the item.
  package mutating func append(
    _ tape: borrowing JSONTape, _ text: RawSpan, key: RawSpan, to buffer: inout ByteBuffer
  ) throws(HubError) -> StoredItem {
    guard tape.kind(node) == .object else {
      throw HubError(.invalidItem, "the item must be an object, it is \(ItemError.name(of: tape.kind(node)))")
    }
    kind = try ItemNormaliser.kind(of: node, tape, text)
    let start = buffer.count
    buffer.append(UInt8(ascii: "{"))
    if let type = tape.member(ItemSchema.typeField, of: node, in: text), tape.kind(type) == .string {
      begin(ItemSchema.typeField, &buffer)
      buffer.append(text.extracting(tape.range(type)))
    }
    let fields = ItemSchema.fields(of: kind)
    for field in fields { try append(field, tape, text, key, &buffer) }
    appendUnknown(fields, tape, text, &buffer)
    buffer.append(UInt8(ascii: "}"))
    guard buffer.count - start <= itemBytesMax else {
      throw HubError(
        .tooLarge, "the item takes \(buffer.count - start) bytes as stored, the limit item_bytes is \(itemBytesMax)")
    }
    return StoredItem(kind: kind.rawValue, creationTime: creationTime, expiry: expiry)
  }

  private static func kind(of node: Int, _ tape: borrowing JSONTape, _ text: RawSpan) throws(HubError) -> ItemKind {
    if let type = tape.member(ItemSchema.typeField, of: node, in: text), tape.kind(type) != .null {
      for kind in ItemKind.allCases where tape.isString(type, kind.name, in: text) { return kind }
      throw HubError(
        .invalidItem,
        "field \"item_type\" must be memory_item, session or knowledge, it is "
          + ItemError.excerpt(text.extracting(tape.range(type))))
    }
    if tape.member("session_id", of: node, in: text) != nil { return .session }
    if tape.member("knowledge_id", of: node, in: text) != nil { return .knowledge }
    return .memory
  }

  private mutating func begin(_ name: StaticString, _ buffer: inout ByteBuffer) {
    if !isFirst { buffer.append(UInt8(ascii: ",")) }
    isFirst = false
    buffer.append(UInt8(ascii: "\""))
    buffer.append(name)
    buffer.append("\":")
  }

  /// Members that the kind does not know, in the order and the spelling in which they came.
  private mutating func appendUnknown(
    _ fields: [Field], _ tape: borrowing JSONTape, _ text: RawSpan, _ buffer: inout ByteBuffer
  ) {
    var name = tape.firstChild(node)
    for _ in 0..<tape.count(node) {
      let value = name + 1
      if !ItemNormaliser.isKnown(name, fields, tape, text) {
        if !isFirst { buffer.append(UInt8(ascii: ",")) }
        isFirst = false
        buffer.append(text.extracting(tape.range(name)))
        buffer.append(UInt8(ascii: ":"))
        JSONWriter.appendMinified(text.extracting(tape.range(value)), to: &buffer)
      }
      name = tape.after(value)
    }
  }

  private static func isKnown(
    _ name: Int, _ fields: [Field], _ tape: borrowing JSONTape, _ text: RawSpan
  ) -> Bool {
    if tape.isString(name, ItemSchema.typeField, in: text) { return true }
    for field in fields where tape.isString(name, field.name, in: text) { return true }
    return false
  }

  // MARK: One field

  private mutating func append(
    _ field: Field, _ tape: borrowing JSONTape, _ text: RawSpan, _ key: RawSpan, _ buffer: inout ByteBuffer
  ) throws(HubError) {
    var given = tape.member(field.name, of: node, in: text)
    // An explicit null of an optional field means its default.
    if let value = given, tape.kind(value) == .null { given = nil }
    let value = GivenField(name: field.name, node: given)
    switch field.rule {
    case .key:
      try ItemNormaliser.checkKey(value, key, tape, text)
      begin(field.name, &buffer)
      JSONWriter.appendString(key, to: &buffer)
    case .creation:
      creationTime = try value.time(tape, text) ?? replacedCreation ?? now
      appendTime(field.name, creationTime, &buffer)
    case .updated:
      let sent = try value.time(tape, text)
      appendTime(field.name, replacedCreation == nil ? sent : now, &buffer)
    case .expiry(let stored): try appendExpiry(field.name, try value.time(tape, text), stored: stored, &buffer)
    case .timeNow: appendTime(field.name, try value.time(tape, text) ?? now, &buffer)
    case .timeOrNull: appendTime(field.name, try value.time(tape, text), &buffer)
    default: try appendChecked(field, value, tape, text, &buffer)
    }
  }

  /// Fields whose value is stored as it was sent.
  private mutating func appendChecked(
    _ field: Field, _ value: GivenField, _ tape: borrowing JSONTape, _ text: RawSpan, _ buffer: inout ByteBuffer
  ) throws(HubError) {
    let checked: (Range<Int>?, StaticString) =
      switch field.rule {
      case .key, .creation, .updated, .expiry, .timeNow, .timeOrNull:
        preconditionFailure("the hub writes these fields itself")
      case .stringOrNull: (try value.string(tape), "null")
      case .requiredString(let isID): (try value.requiredString(isID: isID, tape), "null")
      case .content(let allowsArray): (try value.content(allowsArray, tape), "null")
      case .memoryType: (try value.memoryType(tape, text), #""conversation""#)
      case .object: (try value.object(tape), "{}")
      case .strings: (try value.strings(tape), "[]")
      case .flag: (try value.flag(tape), "true")
      case .confidence: (try value.confidence(tape, text), "1.0")
      case .count: (try value.count(tape, text), "0")
      }
    begin(field.name, &buffer)
    if let range = checked.0 {
      JSONWriter.appendMinified(text.extracting(range), to: &buffer)
    } else {
      buffer.append(checked.1)
    }
  }

  private static func checkKey(
    _ given: GivenField, _ key: RawSpan, _ tape: borrowing JSONTape, _ text: RawSpan
  ) throws(HubError) {
    guard let node = given.node, try given.string(tape) != nil else { return }
    var decoded = ByteBuffer(capacity: 256)
    tape.appendString(node, in: text, to: &decoded)
    guard decoded.bytes.trimmedOfSpace().equals(key) else {
      throw HubError(
        .invalidItem,
        "field \"key\" is \(ItemError.excerpt(text.extracting(tape.range(node)))), the request puts it "
          + "under another key: leave the field out or make them agree")
    }
  }

  private mutating func appendExpiry(
    _ name: StaticString, _ sent: Int64?, stored: Bool, _ buffer: inout ByteBuffer
  ) throws(HubError) {
    if sent != nil, ttlExpiry != nil {
      throw HubError(.invalidRequest, "ttl_seconds and the item's expiry_timestamp exclude each other: give one")
    }
    let time = sent ?? ttlExpiry
    // 0 stands for "never" in the log; an item that expired in that very microsecond of 1970 did so one later.
    expiry = time == 0 ? 1 : time ?? 0
    if time != nil || stored { appendTime(name, time, &buffer) }
  }

  private mutating func appendTime(_ name: StaticString, _ time: Int64?, _ buffer: inout ByteBuffer) {
    begin(name, &buffer)
    guard let time else {
      buffer.append("null")
      return
    }
    buffer.append(UInt8(ascii: "\""))
    Timestamp.append(time, to: &buffer)
    buffer.append(UInt8(ascii: "\""))
  }
}
