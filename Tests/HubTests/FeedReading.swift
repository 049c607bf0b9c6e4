/// Reads the change feed of a fixture as a client does: page after page.
import Bytes
import Foundation
import Hub
import LogStore

/// An event as its reader sees it.
struct FeedEvent: Equatable {
  var revision: UInt64
  var type: String
  var key: String
  var agent: String?
  var payload: String?
  var previous: String?

  /// The exact text of a member that is an item or null.
  private static func item(_ name: String, before next: String, in text: Substring) -> String? {
    guard let start = text.range(of: "\"\(name)\":"), let end = text.range(of: ",\"\(next)\":") else { return nil }
    let value = String(text[start.upperBound..<end.lowerBound])
    return value == "null" ? nil : value
  }

  init(revision: UInt64, type: String, key: String, agent: String?, payload: String?, previous: String?) {
    self.revision = revision
    self.type = type
    self.key = key
    self.agent = agent
    self.payload = payload
    self.previous = previous
  }

  init(_ object: [String: Any], text: Substring) {
    self.init(
      revision: (object["sequence_number"] as? NSNumber)?.uint64Value ?? 0,
      type: object["event_type"] as? String ?? "", key: object["target_key"] as? String ?? "",
      agent: object["agent_id"] as? String,
      payload: FeedEvent.item("payload", before: "previous_value", in: text),
      previous: FeedEvent.item("previous_value", before: "sequence_number", in: text))
  }
}

struct ReadPage {
  var events: [FeedEvent]
  var next: UInt64
  var more: Bool
  var lost: [ClosedRange<UInt64>]
  var pieces: Int
  var bytes: Int
}

extension HubFixture {
  /// - Parameter work: what is done at a time.
  func page(
    from: UInt64, prefix: String = "", limit: Int = 1_000, work: Int = .max / 2
  ) throws(HubError) -> ReadPage {
    let page = try hub.beginFeed(FeedQuery(from: Revision(from), prefix: Array(prefix.utf8), limit: limit))
    var pieces = 0
    while !page.isComplete {
      var left = work
      try hub.extend(page, work: &left)
      pieces += 1
    }
    let text = HubFixture.text(page.events)
    return ReadPage(
      events: HubFixture.events(text), next: page.next.value, more: page.hasMore, lost: page.lost, pieces: pieces,
      bytes: text.utf8.count)
  }

  private static func text(_ buffer: borrowing ByteBuffer) -> String { buffer.bytes.text() }

  private static func events(_ text: String) -> [FeedEvent] {
    guard !text.isEmpty else { return [] }
    let starts = text.ranges(of: "{\"event_id\":").map(\.lowerBound) + [text.endIndex]
    return zip(starts, starts.dropFirst()).map { start, end in
      var piece = text[start..<end]
      if piece.hasSuffix(",") { piece.removeLast() }
      let object = (try? JSONSerialization.jsonObject(with: Data(piece.utf8))) as? [String: Any]
      return FeedEvent(object ?? [:], text: piece)
    }
  }

  /// All events from a revision on, and how many pages they came in.
  func follow(
    from: UInt64, prefix: String = "", limit: Int = 1_000, work: Int = .max / 2
  ) throws(HubError) -> (events: [FeedEvent], next: UInt64, pages: Int) {
    var events: [FeedEvent] = []
    var next = from
    var pages = 0
    while true {
      let page = try page(from: next, prefix: prefix, limit: limit, work: work)
      events += page.events
      next = page.next
      pages += 1
      if !page.more { return (events, next, pages) }
    }
  }

  /// What the feed should tell, made of the log's records by another way.
  func expectedFeed() throws -> [FeedEvent] {
    var items: [String: String] = [:]
    return try records().filter { $0.operation.takesRevision }.map { record in
      let isPut = record.operation.isPut
      let previous = record.operation == .create ? nil : items[record.key]
      items[record.key] = isPut ? record.payload : nil
      return FeedEvent(
        revision: record.revision, type: record.operation.eventType, key: record.key,
        agent: record.agent.isEmpty ? nil : record.agent, payload: isPut ? record.payload : nil, previous: previous)
    }
  }
}
