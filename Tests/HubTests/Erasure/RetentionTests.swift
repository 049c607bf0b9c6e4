/// Retention: what it keeps is as exact as before, what it lets go is refused by name, and space comes back.
import Bytes
import Evidence
import Hub
import LogStore
import LogStoreTesting
import StoreTools
import TestSupport
import Testing

@Suite("Retention")
struct RetentionTests {
  private static let hour: Int64 = 3_600_000_000
  private static let keys = (0..<9).map { "key/\($0)" }

  /// What was there at every revision, and when.
  private struct Past {
    var states: [[String: String]] = [[:]]
    var times: [Int64] = [0]
    var events: [(revision: UInt64, key: String)] = []
  }

  /// A store written at random over some days, an event an hour, and what it should say of its past.
  private func written(_ count: Int, policy: RetentionPolicy, seed: UInt64) throws -> (RedactionStore, Past) {
    var random = SeededGenerator(seed: seed)
    var options = RedactionStore.options
    options.retention = policy
    let store = try RedactionStore(options: options)
    var past = Past()
    while past.states.count <= count {
      store.clock.time += Self.hour
      let key = Self.keys.randomElement(using: &random)!
      var state = past.states.last!
      if Int.random(in: 0..<5, using: &random) == 0 {
        guard state.removeValue(forKey: key) != nil else { continue }
        try store.delete(key)
        past.events.append((UInt64(past.states.count), key))
      } else {
        let text = "version \(past.states.count) of it, " + String(repeating: "and so on ", count: 12)
        try store.put(key, text)
        state[key] = try store.get(key)
        past.events.append((UInt64(past.states.count), key))
      }
      past.states.append(state)
      past.times.append(store.clock.time)
    }
    return (store, past)
  }

  private func check(_ store: RedactionStore, _ past: Past, _ comment: Comment) throws -> (exact: Int, gone: Int) {
    let floor = store.hub.log.floor.value
    var (exact, gone) = (0, 0)
    for revision in 1..<UInt64(past.states.count) {
      for key in Self.keys {
        do {
          let found = try store.get(key, at: .revision(Revision(revision)))
          #expect(found == past.states[Int(revision)][key], "\(comment): \(key) at \(revision)")
          let timed = try store.get(key, at: .time(past.times[Int(revision)]))
          #expect(timed == found, "\(comment): \(key) at the time of \(revision)")
          exact += 1
        } catch {
          #expect((error as? HubError)?.code == .revisionCompacted, "\(comment): \(error)")
          #expect(revision < floor, "\(comment): \(key) at \(revision), the floor is \(floor)")
          gone += 1
        }
      }
    }
    return (exact, gone)
  }

  @Test("By age: every moment since is exact, whatever is older is exact or refused, and the present is untouched")
  func age() throws {
    let (store, past) = try written(500, policy: .age(100 * Self.hour), seed: 1)
    let (checksum, leaves) = (store.checksum, try store.leaves())
    let before = store.bytes
    try store.retain()
    let floor = store.hub.log.floor.value
    #expect(floor > 350 && past.times[Int(floor)] <= store.clock.time - 100 * Self.hour)
    for step in ["let go", "started anew", "read from the log"] {
      if step == "started anew" { try store.reopen() }
      if step == "read from the log" {
        try store.hub.log.snapshots.removeAll()
        try store.reopen(closing: false)
      }
      let (exact, gone) = try check(store, past, "\(step)")
      #expect(exact > 80 * Self.keys.count && gone > 200 * Self.keys.count)
      #expect(store.checksum == checksum && store.hub.log.floor.value == floor)
      #expect(try Array(store.leaves()[..<leaves.count]) == leaves)
      #expect(store.hub.state.eventCounts.create + store.hub.state.eventCounts.update > 300)
    }
    #expect(store.bytes < before / 2, "\(before) bytes became \(store.bytes)")
  }

  @Test("By number: of every key the newest so many events are there", arguments: [1, 3, 200] as [UInt8])
  func versions(kept: UInt8) throws {
    let (store, past) = try written(500, policy: .versions(kept), seed: 2)
    store.clock.time += Self.hour
    try store.retain()
    _ = try check(store, past, "\(kept) kept")
    var whole = 0
    for key in Self.keys {
      let all = past.events.filter { $0.key == key }.map(\.revision)
      let told = try store.historyRevisions(key)
      #expect(told == all.reversed().prefix(told.count).map { $0 })
      #expect(told.count >= min(all.count, Int(kept)))
      whole += told.count
    }
    #expect(kept == 200 ? whole == 500 : whole < 400)
  }

  @Test("The feed goes on from the floor with every event, and refuses to begin before it")
  func feed() throws {
    let (store, past) = try written(400, policy: .age(100 * Self.hour), seed: 3)
    try store.retain()
    let floor = store.hub.log.floor
    let error = #expect(throws: HubError.self) {
      try store.hub.beginFeed(FeedQuery(from: Revision(1), prefix: [], limit: 10))
    }
    #expect(error?.code == .revisionCompacted && error?.floor == floor)
    // Who names no beginning, and goes on with the next revision each time, comes to the end.
    var (next, told) = (Revision.none, 0)
    while next <= store.hub.state.revision {
      let piece = try store.hub.beginFeed(FeedQuery(from: next, prefix: [], limit: 7))
      while !piece.isComplete {
        var work = 1 << 20
        try store.hub.extend(piece, work: &work)
      }
      #expect(next == .none || piece.next > next)
      (next, told) = (piece.next, told + piece.count)
    }
    #expect(told == past.events.count - Int(floor.value) + 1)
    let page = try store.hub.beginFeed(FeedQuery(from: floor, prefix: [], limit: 1_000))
    while !page.isComplete {
      var work = 1 << 20
      try store.hub.extend(page, work: &work)
    }
    #expect(page.count == past.events.count - Int(floor.value) + 1)
  }

  @Test("A replay from the floor on is exact, and one to before it is refused; the copy has the same floor")
  func replay() throws {
    let (store, _) = try written(300, policy: .age(100 * Self.hour), seed: 4)
    try store.retain()
    let floor = store.hub.log.floor.value
    let checksum = store.checksum
    try store.hub.log.finish()
    for point in [floor - 1, floor, 300] {
      let target = SimulatedDisk()
      let source = SimulatedDisk(store.disk.image)
      var plan = ReplayFixture.plan()
      plan.point = .revision(Revision(point))
      if point < floor {
        #expect(throws: ReplayFailure.self) { try ReplayFixture.replay(from: source, plan, into: target) }
        continue
      }
      let outcome = try ReplayFixture.replay(from: source, plan, into: target)
      #expect(outcome.revision.value == point)
      let copy = try RedactionStore(target)
      #expect(copy.hub.log.floor.value == floor)
      if point == 300 { #expect(copy.checksum == checksum) }
    }
  }

  @Test("Nothing is let go that is younger than what repeats may ask for, nor without a policy")
  func untouched() throws {
    let (store, past) = try written(200, policy: .versions(1), seed: 5)
    // By a clock that has been put back everything is of the last minutes.
    store.clock.time = past.times[1]
    try store.retain()
    #expect(store.hub.log.floor == .none)
    let (other, _) = try written(200, policy: .forever, seed: 5)
    try other.retain()
    #expect(other.hub.log.floor == .none)
  }

  @Test("Power cut at every call, five ways: the present and all since the floor are exact, and the next start goes on")
  func cuts() throws {
    let (store, past) = try written(90, policy: .age(30 * Self.hour), seed: 6)
    let images = Images()
    let (checksum, leaves) = (store.checksum, try store.leaves())
    store.disk.observe { [disk = store.disk] _ in images.list.append(disk.image) }
    try store.retain()
    store.disk.observe(nil)
    let floor = store.hub.log.floor
    #expect(images.list.count > 10 && floor > .none)
    var options = RedactionStore.options
    options.retention = .age(30 * Self.hour)
    for (call, image) in images.list.enumerated() {
      for (index, mode) in LossMode.allCases.enumerated() where (call + index) % 5 == 0 || TestScale.value > 1 {
        var lost = image
        lost.losePower(mode, seed: UInt64(call))
        let opened = try RedactionStore(SimulatedDisk(lost), options: options)
        opened.clock.time = store.clock.time
        #expect(opened.checksum == checksum)
        #expect(try Array(opened.leaves()[..<leaves.count]) == leaves)
        _ = try check(opened, past, "call \(call) \(mode)")
        try opened.retain()
        #expect(opened.hub.log.floor == floor)
        #expect(opened.checksum == checksum)
      }
    }
  }

  private final class Images: @unchecked Sendable {
    var list: [DiskImage] = []
  }
}
