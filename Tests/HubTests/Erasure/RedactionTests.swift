/// Erasure: what is redacted is not told any more, is gone from every file, and everything else is as it was.
import Hub
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("Redaction")
struct RedactionTests {
  /// Items with a bit of everything: versions, batches, several segments, a snapshot.
  private func filled() throws -> RedactionStore {
    let store = try RedactionStore()
    for round in 0..<12 {
      store.clock.time += 1_000
      try store.put("plain/\(round % 5)", "the plan of round \(round) is what all agents know by now")
      try store.batch(
        [("batch/a", "first \(round)"), ("batch/secret", "pin \(1_000 + round)"), ("batch/b", "last \(round)")],
        request: "request-\(round)")
    }
    return store
  }

  @Test("From the moment of its redaction an item is not told, and nothing else has changed")
  func toldNoMore() throws {
    let store = try filled()
    let revision = try store.put("user/7", "the password is swordfish")
    try store.put("user/8", "nobody minds")
    try store.redact(revision)
    for step in ["redacted", "stopped before it was erased", "erased", "started anew", "read from the whole log"] {
      if step == "stopped before it was erased" {
        try store.reopen()
        #expect(!store.hub.isErasureDone)
      }
      if step == "erased" { try store.erase() }
      if step == "started anew" { try store.reopen() }
      if step == "read from the whole log" {
        try store.hub.log.snapshots.removeAll()
        try store.reopen(closing: false)
      }
      let error = #expect(throws: HubError.self, "\(step)") { try store.get("user/7") }
      #expect(error?.code == .redacted)
      #expect(try store.history("user/7").contains(#""payload":null,"redacted":true"#), "\(step)")
      #expect(try !store.history("user/7").contains("swordfish"))
      #expect(try store.get("user/8")?.contains("nobody minds") == true)
      #expect(store.hub.state.keyCount == 10)
    }
    try store.put("user/7", "a new one")
    #expect(try store.get("user/7")?.contains("a new one") == true)
    #expect(try !store.history("user/7").contains("swordfish"))
  }

  @Test("No file has the bytes any more, nor what a guess could be tried with; every leaf of the tree is as it was")
  func gone() throws {
    for packsFirst in [false, true] {
      let store = try filled()
      let single = try store.put("user/7", "the password is swordfish", request: "one")
      let batch = try store.batch([("x/1", "left"), ("x/2", "pin 4711"), ("x/3", "right")], request: "three")
      store.snapshot()
      if packsFirst {
        store.hub.log.wantCompaction()
        while store.hub.log.stepCompaction() || store.hub.log.isCompacting {}
      }
      let secrets = try store.secrets(of: single) + store.secrets(of: batch[1])
      let before = try store.leaves()
      #expect(try !RedactionStore.traces(of: secrets, in: store.disk.image).isEmpty)
      try store.redact(single)
      try store.redact(batch[1])
      #expect(!store.hub.isErasureDone && !store.hub.erasureStatus.files.isEmpty)
      try store.erase()
      #expect(store.hub.isErasureDone && store.hub.erasureStatus.files.isEmpty)
      #expect(try RedactionStore.traces(of: secrets, in: store.disk.image) == [])
      #expect(try Array(store.leaves()[..<before.count]) == before)
      // The request's hash is that of all three.
      var left = try store.secrets(of: batch[0])
      #expect(left.count == 3)
      left = try store.secrets(of: batch[2])
      #expect(left.count == 3)
    }
  }

  @Test("All versions of a key go at once, also those in packed segments and those of a key that was deleted")
  func versions() throws {
    let store = try filled()
    var secrets: [[UInt8]] = []
    for version in 0..<40 {
      let revision = try store.put("user/7", "secret number \(version) with some words around it")
      secrets += try store.secrets(of: revision)
      if version % 7 == 0 { try store.put("noise/\(version)", String(repeating: "x", count: 2_000)) }
      if version == 20 {
        store.hub.log.wantCompaction()
        while store.hub.log.stepCompaction() || store.hub.log.isCompacting {}
      }
    }
    let outcome = try store.redact(key: "user/7")
    #expect(outcome.revisions.count == 40 && !outcome.hasMore)
    #expect(try store.redact(key: "user/7").revisions.isEmpty)
    try store.erase()
    #expect(try RedactionStore.traces(of: secrets, in: store.disk.image) == [])
    #expect(try store.redact(key: "user/7").revisions.isEmpty)
    #expect(try store.redact(key: "nobody").revisions.isEmpty)
  }

  @Test("A key with very many versions is redacted in pieces, each of which does a bounded part of the work")
  func pieces() throws {
    let store = try RedactionStore()
    for start in stride(from: 0, to: 5_000, by: 20) {
      try store.batch((start..<(start + 20)).map { ("user/7", "secret \($0)") })
    }
    var before = UInt64(1) << 62
    var sizes: [Int] = []
    repeat {
      let reads = store.hub.pastReads
      let outcome = try store.redact(key: "user/7", before: before)
      sizes.append(outcome.revisions.count)
      #expect(store.hub.pastReads - reads < 1_200)
      #expect(outcome.revisions.last.map { $0.value < before } == true)
      before = outcome.before.value
    } while before > 0
    #expect(sizes.reduce(0, +) == 5_000 && sizes.dropLast().allSatisfy { $0 == MemoryHub.redactionsMax })
    // What is redacted already is looked at in pieces too.
    #expect(try store.redact(key: "user/7").hasMore)
    try store.erase()
    #expect(store.hub.isErasureDone)
  }

  @Test("The checksum is the same for the hub, for a start from the log, and for one between redaction and erasure")
  func checksums() throws {
    let store = try filled()
    let live = try store.put("user/7", "the password is swordfish")
    let old = try store.put("user/8", "an old secret")
    try store.put("user/8", "nothing to hide")
    store.snapshot()
    let before = store.checksum
    try store.redact(old)
    #expect(store.checksum == before)
    try store.redact(live)
    let redacted = store.checksum
    #expect(redacted != before)
    try store.reopen(closing: false)
    #expect(store.checksum == redacted && !store.hub.isErasureDone)
    // Replaced while the bytes are still there.
    try store.put("user/7", "a new one")
    let replaced = store.checksum
    try store.reopen(closing: false)
    #expect(store.checksum == replaced)
    try store.erase()
    #expect(store.checksum == replaced)
    try store.reopen(closing: false)
    #expect(store.checksum == replaced && store.hub.isErasureDone)
    let state = LogState()
    try store.hub.log.replay(from: store.hub.log.startPlace, after: .none) { (header, _, record) in
      guard header.fields.operation.takesRevision else { return }
      let place = state.place(of: record.extracting(header.keyRange))
      let hash = state.stateHash(header, record)
      #expect(state.flaw(header.fields, stateHash: hash, at: place, knowsAll: true) == nil)
      state.apply(header.fields, stateHash: hash, at: place)
    }
    #expect(state.checksum.text == replaced)
  }

  @Test("A repeat of a redacted write gets the first outcome, whatever it says now")
  func repeats() throws {
    let store = try filled()
    let batch = try store.batch([("x/1", "left"), ("x/2", "pin 4711")], request: "two")
    try store.redact(batch[1])
    for isErased in [false, true] {
      if isErased {
        try store.erase()
        try store.reopen()
      }
      let revision = store.hub.state.revision
      try store.batch([("x/1", "left"), ("x/2", "pin 4711")], request: "two")
      try store.batch([("x/1", "left"), ("x/2", "another")], request: "two")
      #expect(store.hub.state.revision == revision)
    }
  }

  @Test("What can not be redacted is refused by name")
  func refusals() throws {
    let store = try filled()
    let revision = try store.put("user/7", "x")
    for wrong in [revision + 1, UInt64(1) << 61] {
      #expect(throws: HubError.self) { try store.redact(wrong) }
    }
    try store.redact(revision)
    #expect(try store.redact(revision).revisions.isEmpty)
    #expect(store.hub.log.lastRevision.value == revision)
  }

  @Test("Power cut at every call of an erasure, five ways: it is not told, and the next start finishes the work")
  func cuts() throws {
    let store = try filled()
    let live = try store.put("user/7", "the password is swordfish", request: "r")
    try store.put("user/8", "nobody minds")
    store.snapshot()
    let secrets = try store.secrets(of: live)
    let leaves = try store.leaves()
    let before = store.checksum
    let images = Images()
    store.disk.observe { [disk = store.disk] _ in images.list.append(disk.image) }
    try store.redact(live)
    let durableFrom = images.list.count
    try store.erase()
    store.snapshot()
    store.disk.observe(nil)
    let after = store.checksum
    #expect(images.list.count > 40)
    var finished = 0
    for (call, image) in images.list.enumerated() {
      for (index, mode) in LossMode.allCases.enumerated() where (call + index) % 3 == 0 || TestScale.value > 1 {
        var lost = image
        lost.losePower(mode, seed: UInt64(call))
        let opened = try RedactionStore(SimulatedDisk(lost))
        let isRedacted = opened.checksum == after
        #expect(isRedacted || (opened.checksum == before && call < durableFrom), "call \(call) \(mode)")
        #expect(try opened.get("user/8")?.contains("nobody minds") == true)
        guard isRedacted else { continue }
        finished += 1
        #expect(throws: HubError.self) { try opened.get("user/7") }
        try opened.erase()
        #expect(opened.hub.isErasureDone)
        #expect(try RedactionStore.traces(of: secrets, in: opened.disk.image) == [], "call \(call) \(mode)")
        #expect(try Array(opened.leaves()[..<leaves.count]) == leaves)
        try opened.reopen()
        #expect(opened.checksum == after)
      }
    }
    #expect(finished > 60)
  }

  @Test("What a recovery has copied is erased from where it was, too")
  func copies() throws {
    let store = try filled()
    let revision = try store.put("user/7", "the password is swordfish")
    let secrets = try store.secrets(of: revision)
    try store.reopen(closing: false)
    try store.put("noise", "so that the new segment is written to")
    #expect(
      try RedactionStore.traces(of: secrets, in: store.disk.image).filter { $0.hasPrefix("segments/") }.count == 2)
    try store.redact(revision)
    try store.erase()
    #expect(try RedactionStore.traces(of: secrets, in: store.disk.image) == [])
  }

  @Test("A file that was replaced and can not be removed counts as one that has the bytes, and is removed later")
  func leftovers() throws {
    let store = try filled()
    let revision = try store.put("user/7", "the password is swordfish")
    let secrets = try store.secrets(of: revision)
    try store.redact(revision)
    store.disk.faults.add(.fail(PosixText.inputOutput), at: 1, of: [.remove], name: "segments/", isPersistent: true)
    try store.erase()
    #expect(!store.hub.isErasureDone && store.hub.erasureStatus.files.count == 1)
    #expect(store.hub.erasureStatus.failure != nil)
    #expect(try !RedactionStore.traces(of: secrets, in: store.disk.image).isEmpty)
    store.disk.faults = FaultPlan()
    try store.reopen(closing: false)
    try store.erase()
    #expect(store.hub.isErasureDone)
    #expect(try RedactionStore.traces(of: secrets, in: store.disk.image) == [])
  }

  private final class Images: @unchecked Sendable {
    var list: [DiskImage] = []
  }
}
