/// Normalises one item as a put would, without a hub.
import Bytes
import Hub
import JSONText

enum ItemFixture {
  static let now = SettableClock.start
  static let nowText = "2025-08-07T17:30:00.000000Z"

  /// The stored form, and what the hub notes beside it.
  static func stored(
    _ item: String, key: String = "k", replaced: Int64? = nil, ttlExpiry: Int64? = nil, itemBytesMax: Int = 1 << 20
  ) throws(HubError) -> (text: String, item: StoredItem) {
    let text = Array(item.utf8)
    let keyBytes = Array(key.utf8)
    let tape = HubFixture.parsed(text)
    var normaliser = ItemNormaliser(
      node: JSONTape.root, now: now, replacedCreation: replaced, ttlExpiry: ttlExpiry, itemBytesMax: itemBytesMax)
    var buffer = ByteBuffer()
    let stored = try normaliser.append(tape, text.span.bytes, key: keyBytes.span.bytes, to: &buffer)
    return (buffer.bytes.text(), stored)
  }

  static func text(_ item: String, key: String = "k", replaced: Int64? = nil) throws(HubError) -> String {
    try stored(item, key: key, replaced: replaced).text
  }

  /// The error of an item that is refused; nil when it is taken.
  static func refusal(_ item: String, key: String = "k", ttlExpiry: Int64? = nil) -> HubError? {
    do {
      _ = try stored(item, key: key, ttlExpiry: ttlExpiry)
      return nil
    } catch {
      return error
    }
  }

  static func memory(
    content: String = #""x""#, type: String = #""conversation""#, timestamp: String = nowText, updated: String? = nil,
    metadata: String = "{}", tags: String = "[]", agent: String = "null", expiry: String? = nil, key: String = "k",
    more: String = ""
  ) -> String {
    func time(_ text: String?) -> String { text.map { "\"\($0)\"" } ?? "null" }
    return #"{"key":"\#(key)","content":\#(content),"memory_type":\#(type),"timestamp":"\#(timestamp)","#
      + #""updated_at":\#(time(updated)),"metadata":\#(metadata),"tags":\#(tags),"source_agent":\#(agent),"#
      + #""expiry_timestamp":\#(time(expiry))\#(more)}"#
  }
}
