/// The times of items: forms, defaults, carry-over, expiry.
import Hub
import Testing

@Suite struct ItemTimeTests {
  private static let earlier: Int64 = 1_000_000_000_000_000  // 2001-09-09T01:46:40Z
  private static let earlierText = "2001-09-09T01:46:40.000000Z"

  @Test("Times are stored in UTC with six digits, whatever their form")
  func forms() throws {
    for form in [
      "2025-01-02T03:04:05Z", "2025-01-02t03:04:05z", "2025-01-02 03:04:05", "2025-01-02T03:04:05.0",
      "2025-01-02T05:04:05+02:00",
      "2025-01-01T21:34:05-05:30", "2025-01-02T03:04:05.0000009Z", #"2025\u002d01-02T03:04:05\u005a"#,
    ] {
      let item = try ItemFixture.stored(#"{"content":"x","timestamp":"\#(form)"}"#)
      #expect(item.text == ItemFixture.memory(timestamp: "2025-01-02T03:04:05.000000Z"), "\(form)")
      #expect(item.item.creationTime == 1_735_787_045_000_000)
    }
    for form in ["", "now", "2025-01-02", "2025-13-01T00:00:00Z", "1735787045", "2025-01-02T03:04Z"] {
      let error = ItemFixture.refusal(#"{"content":"x","timestamp":"\#(form)"}"#)
      #expect(error?.code == .invalidItem && error?.message.contains("timestamp") == true, "\(form)")
    }
  }

  @Test("The creation time is the given one, else the replaced item's, else now")
  func creation() throws {
    for (item, field) in [
      (#"{"content":"x""#, "timestamp"), (#"{"session_id":"s""#, "created_at"),
      (#"{"knowledge_id":"i","title":"t","content":"x","category":"c""#, "created_at"),
    ] {
      let given = item + #","\#(field)":"2020-01-01T00:00:00Z"}"#
      #expect(
        try ItemFixture.text(given, replaced: Self.earlier).contains(#""\#(field)":"2020-01-01T00:00:00.000000Z""#))
      #expect(try ItemFixture.text(item + "}", replaced: Self.earlier).contains(#""\#(field)":"\#(Self.earlierText)""#))
      #expect(try ItemFixture.text(item + "}").contains(#""\#(field)":"\#(ItemFixture.nowText)""#))
      let stored = try ItemFixture.stored(item + "}", replaced: 0)
      #expect(stored.item.creationTime == 0 && stored.text.contains(#""\#(field)":"1970-01-01T00:00:00.000000Z""#))
    }
  }

  @Test("A memory's updated_at is now when it replaces another, else what was sent")
  func updated() throws {
    let sent = #"{"content":"x","updated_at":"2020-01-01T00:00:00Z"}"#
    #expect(try ItemFixture.text(sent) == ItemFixture.memory(updated: "2020-01-01T00:00:00.000000Z"))
    #expect(
      try ItemFixture.text(sent, replaced: Self.earlier)
        == ItemFixture.memory(timestamp: Self.earlierText, updated: ItemFixture.nowText))
  }

  @Test("ttl_seconds and expiry_timestamp set the same expiry, and exclude each other in every kind")
  func expiry() throws {
    let expiry = ItemFixture.now + 1_500_000
    let text = "2025-08-07T17:30:01.500000Z"
    let byTTL = try ItemFixture.stored(#"{"content":"x"}"#, ttlExpiry: expiry)
    let byField = try ItemFixture.stored(#"{"content":"x","expiry_timestamp":"\#(text)"}"#)
    #expect(byTTL.text == ItemFixture.memory(expiry: text) && byTTL.text == byField.text)
    #expect(byTTL.item.expiry == expiry && byField.item.expiry == expiry)
    for item in [
      #"{"content":"x","expiry_timestamp":"\#(text)"}"#, #"{"session_id":"s","expiry_timestamp":"\#(text)"}"#,
      #"{"knowledge_id":"i","title":"t","content":"x","category":"c","expiry_timestamp":"\#(text)"}"#,
    ] {
      #expect(ItemFixture.refusal(item, ttlExpiry: expiry)?.code == .invalidRequest)
    }
    #expect(ItemFixture.refusal(#"{"content":"x","expiry_timestamp":null}"#, ttlExpiry: expiry) == nil)
    let session = try ItemFixture.stored(#"{"session_id":"s"}"#, ttlExpiry: expiry)
    #expect(session.item.expiry == expiry && session.text.hasSuffix(#","expiry_timestamp":"\#(text)"}"#))
  }

  @Test("An expiry in the first microsecond of 1970 is not taken for never")
  func expiryAtZero() throws {
    let stored = try ItemFixture.stored(#"{"content":"x","expiry_timestamp":"1970-01-01T00:00:00Z"}"#)
    #expect(stored.item.expiry == 1)
    #expect(try ItemFixture.stored(#"{"content":"x"}"#).item.expiry == 0)
    #expect(
      try ItemFixture.stored(#"{"content":"x","expiry_timestamp":"0001-01-01T00:00:00Z"}"#).item.expiry
        == Timestamp.earliest)
  }
}
