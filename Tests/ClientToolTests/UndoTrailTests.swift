/// What an undo decides for a key, after every short sequence of events.
import Testing

@testable import mfh

@Suite("The decision of an undo")
struct UndoTrailTests {
  private enum Step: CaseIterable {
    case ownPut, ownOther, ownDelete, strangePut, strangeOther, strangeDelete, expire

    var isOwn: Bool { [.ownPut, .ownOther, .ownDelete].contains(self) }

    /// What the key holds afterwards; nil when the step can not come after what it holds.
    func content(after before: KeyContent) -> KeyContent? {
      switch self {
      case .ownPut, .strangePut: .item(Array(#"{"content":"1","updated_at":"\#(self)"}"#.utf8))
      case .ownOther: .item(Array(#"{"content":"2","updated_at":null}"#.utf8))
      case .strangeOther: .item(Array(#"{"content":"3","updated_at":null}"#.utf8))
      case .ownDelete, .strangeDelete, .expire: before == .absent ? nil : .absent
      }
    }
  }

  /// Every possible sequence of steps up to a length.
  private func sequences(_ length: Int, after contents: [KeyContent]) -> [([Step], [KeyContent])] {
    guard length > 0 else { return [([], contents)] }
    return [([], contents)]
      + Step.allCases.flatMap { step -> [([Step], [KeyContent])] in
        guard let content = step.content(after: contents[contents.count - 1]) else { return [] }
        return sequences(length - 1, after: contents + [content]).map { ([step] + $0.0, $0.1) }
      }
  }

  private func text(_ content: KeyContent) -> String {
    switch content {
    case .absent: "absent"
    case .unknown: "unknown"
    case .item(let item): String(decoding: item, as: UTF8.self).split(separator: ",").first.map(String.init) ?? ""
    }
  }

  @Test("After every sequence of five events, what others changed is left, and the rest is as before the agent's run")
  func exhaustive() throws {
    let beginnings: [KeyContent] = [.absent, .item(Array(#"{"content":"0","updated_at":null}"#.utf8))]
    var seen: Set<String> = []
    for (steps, contents) in beginnings.flatMap({ sequences(5, after: [$0]) }) {
      var trail: UndoTrail?
      for (index, step) in steps.enumerated() {
        let isPut = contents[index + 1] != .absent
        let event = UndoEvent(
          kind: step == .expire ? .expire : !isPut ? .delete : contents[index] == .absent ? .create : .update,
          key: "k", agent: step == .expire ? "" : step.isOwn ? "A" : "B", revision: UInt64(index + 1),
          payload: contents[index + 1], previous: contents[index])
        if trail != nil { trail?.take(event, isOwn: step.isOwn) } else if step.isOwn { trail = UndoTrail(event) }
      }
      guard let last = steps.lastIndex(where: \.isOwn) else {
        #expect(trail == nil)
        continue
      }
      // From the end backwards: what strangers did after it, and where the run begins.
      let isOthers = steps[last...].contains { !$0.isOwn && $0 != .expire }
      var first = last
      while first > 0 {
        guard let earlier = steps[..<first].lastIndex(where: { $0 != .expire }), steps[earlier].isOwn else { break }
        first = earlier
      }
      let (wanted, now) = (text(contents[first]), text(contents[steps.count]))
      let decision = try #require(trail).decision(at: "2025-08-07T17:30:00.000000Z")
      let current = contents[steps.count] == .absent ? 0 : UInt64(steps.count)
      switch decision {
      case .asItWas: #expect(wanted == now, "\(steps)")
      case .changedSince: #expect(isOthers && wanted != now, "\(steps)")
      case .restore(let item, let revision):
        #expect(!isOthers && wanted != now && text(.item(item)) == wanted && revision == current, "\(steps)")
      case .delete(let revision, let hasExpired):
        #expect(!isOthers && wanted == "absent" && now != wanted && revision == current && !hasExpired, "\(steps)")
      case .unreadable: Issue.record("nothing is gone: \(steps)")
      }
      seen.insert("\(decision)".split(separator: "(").first.map(String.init) ?? "")
    }
    #expect(seen == ["asItWas", "changedSince", "restore", "delete"])
  }

  private func item(expiring time: String) -> KeyContent {
    .item(Array(#"{"content":"x","expiry_timestamp":"\#(time)"}"#.utf8))
  }

  private func decision(before: KeyContent, now: KeyContent) -> UndoDecision {
    UndoTrail(
      UndoEvent(kind: .update, key: "k", agent: "A", revision: 7, payload: now, previous: before)
    ).decision(at: "2025-08-07T17:30:00.000000Z")
  }

  @Test("An item whose time is over is not put back, one that is over but not swept yet counts as absent")
  func expiry() {
    let other = KeyContent.item(Array(#"{"content":"y"}"#.utf8))
    let over = item(expiring: "2025-08-07T17:30:00.000000Z")
    let alive = item(expiring: "2025-08-07T17:30:00.000001Z")
    #expect(decision(before: over, now: other) == .delete(ifRevision: 7, hasExpired: true))
    #expect(decision(before: over, now: over) == .asItWas)
    guard case .restore(_, let revision) = decision(before: alive, now: other) else {
      Issue.record("it has not expired yet")
      return
    }
    #expect(revision == 7)
    guard case .restore(_, let missing) = decision(before: other, now: over) else {
      Issue.record("what was there before is put back")
      return
    }
    #expect(missing == 0)
  }

  @Test("What is gone from the log is not taken for what never was")
  func unknown() {
    #expect(decision(before: .unknown, now: .item(Array("{}".utf8))) == .unreadable)
    #expect(decision(before: .unknown, now: .absent) == .unreadable)
    #expect(decision(before: .unknown, now: .unknown) == .unreadable)
  }
}
