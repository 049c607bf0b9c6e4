/// Repeated requests: the first outcome again, and nothing changes. CONTRACT: `request_id`.
@testable import Hub
import LogStore
import Testing

@Suite struct RepeatTests {
  private static let item = WriteTests.item

  @Test("A repeat gives the first outcome, under way, acknowledged, after later writes and after a restart")
  func singles() throws {
    let fixture = try HubFixture()
    let create = Author.idempotent("create")
    let update = Author.idempotent("update")
    let remove = Author.idempotent("remove")
    let first = try fixture.put("a", Self.item, ifRevision: 0, by: create)
    let second = try fixture.put("a", Self.item, by: update)
    let third = try fixture.delete("a", by: remove)
    func check(ticket: UInt64) throws {
      let repeats = [
        try fixture.put("a", Self.item, ifRevision: 0, by: create), try fixture.put("a", Self.item, by: update),
        try fixture.delete("a", by: remove),
      ]
      #expect(repeats.map(\.result) == [first.result, second.result, third.result])
      #expect(repeats.map(\.ticket) == [ticket, ticket, ticket])
    }
    try check(ticket: first.ticket)
    try fixture.acknowledge()
    try check(ticket: 0)
    try fixture.put("a", Self.item)
    try fixture.acknowledge()
    try check(ticket: 0)
    try fixture.reopen()
    try check(ticket: 0)
    try fixture.crash()
    try check(ticket: 0)
    #expect(fixture.revision == 4 && fixture.hub.rememberedRequests == 3)
  }

  @Test("The same id with another content is refused; of another agent, or without one, it is another request")
  func otherContent() throws {
    let fixture = try HubFixture()
    try fixture.put("a", Self.item, by: .idempotent("r"))
    for isReopened in [false, true] {
      if isReopened { try fixture.reopen() }
      func refusal(_ write: () throws(HubError) -> Void) -> ErrorCode? {
        do {
          try write()
          return nil
        } catch { return error.code }
      }
      #expect(
        refusal { () throws(HubError) in try fixture.put("a", #"{"content":"y"}"#, by: .idempotent("r")) }
          == .invalidRequest)
      #expect(
        refusal { () throws(HubError) in try fixture.put("b", Self.item, by: .idempotent("r")) } == .invalidRequest)
      #expect(refusal { () throws(HubError) in try fixture.delete("a", by: .idempotent("r")) } == .invalidRequest)
      #expect(
        refusal { () throws(HubError) in try fixture.batch([.delete("a")], by: .idempotent("r")) } == .invalidRequest)
      try fixture.acknowledge()
    }
    #expect(fixture.revision == 1)
    // "agent" + "r" must not be taken for "agen" + "tr".
    #expect(try fixture.put("a", Self.item, by: .idempotent("tr", agent: "agen")).result.revision.value == 2)
    #expect(try fixture.put("a", Self.item, by: .idempotent("r", agent: "other")).result.revision.value == 3)
    #expect(try fixture.put("a", Self.item, by: Author(request: "r")).result.revision.value == 4)
    #expect(try fixture.put("a", Self.item, by: Author(request: "r")).result.revision.value == 5)
  }

  @Test("What changed nothing is not remembered: a delete of nothing, a conflict, a refused item")
  func nothing() throws {
    let fixture = try HubFixture()
    let author = Author.idempotent("r")
    #expect(try fixture.delete("a", by: author).result.hit == false)
    #expect(throws: HubError.self) { try fixture.put("a", Self.item, ifRevision: 5, by: author) }
    #expect(throws: HubError.self) { try fixture.put("a", "{}", by: author) }
    #expect(try fixture.batch([.delete("a"), .delete("b")], by: author).results.allSatisfy { !$0.hit })
    #expect(fixture.hub.rememberedRequests == 0)
    try fixture.put("a", Self.item)
    #expect(try fixture.delete("a", by: author).result.hit)
    #expect(try fixture.delete("a", by: author).result.hit)
    #expect(fixture.hub.rememberedRequests == 1)
  }

  @Test("A repeated batch gives every operation's first outcome, with EXPIREs between, in every state of its commit")
  func batches() throws {
    let fixture = try HubFixture()
    for key in ["a", "b", "c"] { try fixture.put(key, Self.item, ttl: 1_000) }
    try fixture.put("d", Self.item)
    try fixture.acknowledge()
    fixture.clock.time += 1_000
    let batches: [[BatchOperation]] = [
      // EXPIREs first, in the middle, twice in a row; deletes of nothing before, between and behind.
      [
        .delete("none"), .put("a", Self.item), .delete("none"), .put("b", Self.item), .put("c", Self.item),
        .delete("none"),
      ],
      [.put("d", Self.item), .put("d", Self.item), .delete("d"), .delete("d"), .put("d", Self.item)],
      [.delete("x"), .delete("x"), .put("x", Self.item), .delete("x"), .delete("x")],
      [.put("x", Self.item, ifRevision: 0), .put("y", Self.item)],
    ]
    var first: [BatchOutcome] = []
    func check(isUnderWay: Bool) throws {
      for (index, operations) in batches.enumerated() {
        let again = try fixture.batch(operations, by: .idempotent("batch \(index)"))
        #expect(again.results == first[index].results && again.revision == first[index].revision, "\(index)")
        #expect(again.ticket == (isUnderWay ? first[index].ticket : 0))
      }
    }
    for (index, operations) in batches.enumerated() {
      first.append(try fixture.batch(operations, by: .idempotent("batch \(index)")))
    }
    #expect(first[0].results.map(\.revision.value) == [4, 6, 6, 8, 10, 10])
    try check(isUnderWay: true)
    fixture.hub.submit()
    try check(isUnderWay: true)
    try fixture.acknowledge()
    try check(isUnderWay: false)
    try fixture.put("a", Self.item)
    try fixture.delete("x")
    try fixture.acknowledge()
    try check(isUnderWay: false)
    let revision = fixture.revision
    try fixture.reopen()
    try check(isUnderWay: false)
    try fixture.crash()
    try check(isUnderWay: false)
    try fixture.reopen(withSnapshot: true)
    try check(isUnderWay: false)
    #expect(fixture.hub.snapshots.revision?.value == revision)
    #expect(fixture.revision == revision && fixture.hub.rememberedRequests == batches.count)
  }

  @Test("A single put over a due key is repeated as the creation that it was")
  func putOverDue() throws {
    let fixture = try HubFixture()
    try fixture.put("a", Self.item, ttl: 10)
    try fixture.acknowledge()
    fixture.clock.time += 10
    let first = try fixture.put("a", Self.item, by: .idempotent("r"))
    #expect(first.result == OperationResult(isPut: true, hit: true, revision: Revision(3)))
    for _ in 0..<2 {
      #expect(try fixture.put("a", Self.item, by: .idempotent("r")).result == first.result)
      try fixture.acknowledge()
      try fixture.reopen()
    }
  }

  @Test("Requests are forgotten to the microsecond, and then the same id is a new request")
  func age() throws {
    var limits = HubLimits()
    limits.rememberedMicroseconds = 1_000
    let fixture = try HubFixture(limits: limits)
    let first = try fixture.put("a", Self.item, by: .idempotent("r")).result
    fixture.clock.time += 999
    #expect(try fixture.put("a", Self.item, by: .idempotent("r")).result == first)
    try fixture.acknowledge()
    try fixture.reopen()
    #expect(try fixture.put("a", Self.item, by: .idempotent("r")).result == first)
    fixture.clock.time += 1
    let again = try fixture.put("a", Self.item, by: .idempotent("r")).result
    #expect(again == OperationResult(isPut: true, hit: false, revision: Revision(2)))
    // The new one is remembered in place of the old, over a restart too.
    #expect(try fixture.put("a", Self.item, by: .idempotent("r")).result == again)
    try fixture.acknowledge()
    try fixture.reopen()
    #expect(try fixture.put("a", Self.item, by: .idempotent("r")).result == again)
  }

  @Test("Beyond their number the oldest are forgotten, a batch counting as one")
  func count() throws {
    var limits = HubLimits()
    limits.rememberedRequests = 3
    let fixture = try HubFixture(limits: limits)
    try fixture.put("a", Self.item, by: .idempotent("0"))
    try fixture.batch([.put("a", Self.item), .put("b", Self.item), .put("a", Self.item)], by: .idempotent("1"))
    try fixture.put("a", Self.item, by: .idempotent("2"))
    #expect(fixture.hub.rememberedRequests == 3)
    #expect(try fixture.put("a", Self.item, by: .idempotent("0")).result.revision.value == 1)
    try fixture.put("a", Self.item, by: .idempotent("3"))
    #expect(fixture.hub.rememberedRequests == 3)
    try fixture.acknowledge()
    try fixture.reopen()
    #expect(fixture.hub.rememberedRequests == 3)
    #expect(try fixture.put("a", Self.item, by: .idempotent("2")).result.revision.value == 5)
    #expect(try fixture.put("a", Self.item, by: .idempotent("0")).result.revision.value == 7)
  }

  @Test("A hub that remembers more than the one before tells two uses of one id apart")
  func largerMemory() throws {
    var limits = HubLimits()
    limits.rememberedRequests = 1
    let fixture = try HubFixture(limits: limits)
    let operations: [BatchOperation] = [.put("a", Self.item), .put("b", Self.item)]
    try fixture.batch(operations, by: .idempotent("r"))
    try fixture.put("c", Self.item, by: .idempotent("other"))
    let second = try fixture.batch(operations, by: .idempotent("r"))
    #expect(second.revision.value == 5)
    try fixture.acknowledge()
    fixture.limits.rememberedRequests = 100
    try fixture.reopen()
    let again = try fixture.batch(operations, by: .idempotent("r"))
    #expect(again.results == second.results && again.revision == second.revision)
  }

  @Test("Nothing is kept for requests that are forgotten")
  func memory() {
    var memory = RequestMemory(countMax: 100, ageMaxMicroseconds: 50)
    func request(_ number: Int) -> KeyHash {
      let bytes = Array("\(number)".utf8)
      return KeyHash(bytes.span.bytes)
    }
    func remembered(_ number: Int) -> RequestMemory.Remembered {
      .init(
        fingerprint: UInt64(number), ticket: 0,
        firstRecord: RecordPosition(segment: SegmentNumber(1), offset: 0, length: 0), recordCount: 1,
        time: Int64(number), operation: .create, revision: Revision(UInt64(number)),
        commitStart: Revision(UInt64(number)))
    }
    for number in 0..<100_000 {
      memory.remember(request(number % 5_000), remembered(number))
      #expect(memory.count <= 50)
    }
    #expect(memory.find(request(4_999), now: 99_999)?.revision.value == 99_999)
    #expect(memory.find(request(4_951), now: 99_999)?.revision.value == 99_951)
    #expect(memory.find(request(4_949), now: 99_999) == nil && memory.find(request(4_999), now: 100_049) == nil)
  }
}
