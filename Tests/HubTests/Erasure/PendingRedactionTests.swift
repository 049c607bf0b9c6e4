/// What the offline readers make of a store that stopped, or was looked at, between a redaction and its erasure.
import Hub
import LogStore
import LogStoreTesting
import StoreTools
import TestSupport
import Testing

@Suite("Redaction without erasure")
struct PendingRedactionTests {
  /// A live item, one of a batch, one that was replaced, and a snapshot that knows all of them.
  private struct Subject {
    let store: RedactionStore
    let revisions: [UInt64]
    let secrets: [[UInt8]]
    let before: String

    init() throws {
      store = try RedactionStore()
      for round in 0..<12 { try store.put("plain/\(round % 5)", "what everybody knows in round \(round)") }
      let live = try store.put("user/7", "the password is swordfish", request: "one")
      let batch = try store.batch([("x/1", "left"), ("x/2", "pin 4711"), ("x/3", "right")], request: "three")
      let old = try store.put("user/8", "an old secret", request: "old")
      try store.put("user/8", "nothing to hide")
      store.snapshot()
      revisions = [live, batch[1], old]
      var secrets: [[UInt8]] = []
      for revision in revisions { secrets += try store.secrets(of: revision) }
      self.secrets = secrets
      before = store.checksum
      for revision in revisions { try store.redact(revision) }
      #expect(store.checksum != before)
    }
  }

  private func verify(_ image: DiskImage) throws -> (outcome: StoreVerifier.Outcome, damages: Int) {
    let progress = Progress(totalBytes: 1, isWanted: false)
    let report = Report("test", isVerbose: false, progress: progress)
    let outcome = StoreVerifier.run(
      try StoreInspection.open(SimulatedDisk(image)), report: report, progress: progress)
    return (outcome, report.damages)
  }

  @Test("A verification has the hub's checksum, with a snapshot from before and without, and counts what is left")
  func verified() throws {
    let subject = try Subject()
    func check(left: Int) throws {
      let found = try verify(subject.store.disk.image)
      #expect(found.damages == 0 && found.outcome.checksum == subject.store.checksum)
      #expect(found.outcome.unerased == left)
    }
    try check(left: 3)
    try subject.store.reopen(closing: false)
    try check(left: 3)
    try subject.store.put("user/7", "a new one")
    try check(left: 3)
    try subject.store.erase()
    try check(left: 0)
  }

  @Test("A replay to any moment has no byte of it, and the checksum of the hub", arguments: [true, false])
  func replayed(ends: Bool) throws {
    let subject = try Subject()
    let target = SimulatedDisk()
    // Before the redaction, and before the last of the items was replaced.
    let point = ends ? ReplayPoint.everything : .revision(Revision(subject.revisions[2]))
    let outcome = try ReplayFixture.replay(
      from: SimulatedDisk(subject.store.disk.image), ReplayFixture.plan(point), into: target)
    #expect(try RedactionStore.traces(of: subject.secrets, in: target.image) == [])
    let found = try verify(target.image)
    #expect(found.damages == 0 && found.outcome.checksum == outcome.checksum && found.outcome.unerased == 0)
    if ends { #expect(outcome.checksum == subject.store.checksum) }
    let opened = try RedactionStore(target)
    #expect(opened.checksum == outcome.checksum)
    let error = #expect(throws: HubError.self) { try opened.get("user/7") }
    #expect(error?.code == .redacted)
  }

  @Test("A backup counts it as redacted, and the next one after the erasure has no byte of it")
  func backedUp() throws {
    let subject = try Subject()
    let target = SimulatedDisk()
    func backUp() throws -> (outcome: StoreVerifier.Outcome, damages: Int) {
      let source = SimulatedDisk(subject.store.disk.image)
      let revision = subject.store.hub.state.revision
      _ = try StoreBackup.run(
        StoreBackup(try StoreInspection.open(source), to: target, at: revision, now: subject.store.clock.time))
      return try verify(target.image)
    }
    let early = try backUp()
    #expect(early.damages == 0 && early.outcome.checksum == subject.store.checksum && early.outcome.unerased == 3)
    try subject.store.erase()
    let late = try backUp()
    #expect(late.damages == 0 && late.outcome.checksum == subject.store.checksum && late.outcome.unerased == 0)
    #expect(try RedactionStore.traces(of: subject.secrets, in: target.image) == [])
  }

  @Test("Records that are damaged elsewhere do not bring it back")
  func damaged() throws {
    let subject = try Subject()
    let source = SimulatedDisk(subject.store.disk.image)
    let first = StoreNames.segment(SegmentNumber(1), generation: 0)
    source.image.flip(first, bit: (Layout.SegmentHeader.blockBytes + 8) * 8)
    var plan = ReplayFixture.plan()
    plan.salvages = true
    let target = SimulatedDisk()
    let outcome = try ReplayFixture.replay(from: source, plan, into: target)
    #expect(outcome.revision == subject.store.hub.state.revision)
    #expect(try RedactionStore.traces(of: subject.secrets, in: target.image) == [])
  }
}
