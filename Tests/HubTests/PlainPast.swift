/// What every key was at every revision and every time, found by reading all of the log: in the plainest way.
import Foundation
import Hub
import LogStore
import Testing

struct PlainPast {
  let records: [LoggedRecord]

  /// The records that have an effect.
  init(_ fixture: HubFixture) throws {
    records = try fixture.records().filter { $0.operation.takesRevision && $0.operation != .void }
  }

  var keys: Set<String> { Set(records.map(\.key)) }

  func at(_ revision: UInt64, _ key: String) -> Seen? {
    guard let last = records.last(where: { $0.key == key && $0.revision <= revision }), last.operation.isPut
    else { return nil }
    return Seen(revision: last.revision, item: last.payload)
  }

  func at(time: Int64, _ key: String) -> Seen? {
    guard let last = records.last(where: { $0.key == key && $0.time <= time }), last.operation.isPut,
      last.expiry == 0 || last.expiry > time
    else { return nil }
    return Seen(revision: last.revision, item: last.payload)
  }

  /// The key's events, newest first.
  func history(_ key: String) -> [LoggedRecord] { records.filter { $0.key == key }.reversed() }

  // MARK: Checks

  /// Expects that the hub tells the same of every key, at every revision and time.
  func check(_ fixture: HubFixture, _ note: Comment = "", at: SourceLocation = #_sourceLocation) throws {
    let last = records.last?.revision ?? 0
    for key in keys.union(["nobody's"]) {
      for revision in 0...last {
        #expect(
          try fixture.get(key, at: .revision(Revision(revision))) == self.at(revision, key),
          "\(key) \(revision) \(note)",
          sourceLocation: at)
      }
      let now = fixture.hub.now()
      let expiries = records.map(\.expiry).filter { $0 != 0 }
      let times = Set((records.map(\.time) + expiries).flatMap { [$0 - 1, $0, $0 + 1] } + [.min, now])
      for time in times where time <= now {
        #expect(
          try fixture.get(key, at: .time(time)) == self.at(time: time, key), "\(key) at \(time) \(note)",
          sourceLocation: at)
      }
      try checkHistory(fixture, key, note, at)
    }
  }

  private func checkHistory(
    _ fixture: HubFixture, _ key: String, _ note: Comment, _ at: SourceLocation
  ) throws {
    let history = history(key)
    for limit in [1, 2, 7, 10_000] {
      var found: [[String: Any]] = []
      var before: UInt64 = 1 << 63
      while true {
        let (text, more) = try fixture.history(key, before: before, limit: limit)
        let page = try #require(JSONSerialization.jsonObject(with: Data("[\(text)]".utf8)) as? [[String: Any]])
        #expect(page.count <= limit && (!more || page.count == limit), note, sourceLocation: at)
        found += page
        before = (page.last?["sequence_number"] as? NSNumber)?.uint64Value ?? 0
        if !more { break }
      }
      #expect(found.count == history.count, "\(key) by \(limit) \(note)", sourceLocation: at)
      for (index, (event, record)) in zip(found, history).enumerated() {
        let previous = index + 1 < history.count ? history[index + 1] : nil
        #expect(
          PlainPast.tells(event, record, before: previous), "\(key) \(record.revision) \(note)", sourceLocation: at)
      }
    }
  }

  private static func tells(_ event: [String: Any], _ record: LoggedRecord, before: LoggedRecord?) -> Bool {
    func object(_ item: String?) -> NSObject {
      guard let item, !item.isEmpty, let object = try? JSONSerialization.jsonObject(with: Data(item.utf8)) else {
        return NSNull()
      }
      return (object as? NSObject) ?? NSNull()
    }
    let previous = record.operation == .create ? nil : before?.payload
    return (event["sequence_number"] as? NSNumber)?.uint64Value == record.revision
      && event["event_type"] as? String == record.operation.eventType && event["target_key"] as? String == record.key
      && event["timestamp"] as? String == Model.text(record.time) && event["event_id"] is String
      && event["payload"] as? NSObject == object(record.payload)
      && event["previous_value"] as? NSObject == object(previous)
      && event["agent_id"] as? String == (record.agent.isEmpty ? nil : record.agent)
      && event["correlation_id"] as? String == (record.correlation.isEmpty ? nil : record.correlation)
  }
}
