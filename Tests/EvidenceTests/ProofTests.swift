/// Proofs that one record is in the log: for every record, checked without the store.
import Bytes
import HistoryTree
import LogStoreTesting
import TestSupport
import Testing

@testable import Evidence
@testable import LogStore

@Suite struct ProofTests {
  @Test("Every revision of a log has a proof that holds, at every size of the log", arguments: [1, 255, 256, 257, 700])
  func everyRevision(size: Int) throws {
    let store = TreeStore(seed: UInt64(size))
    try store.open()
    try store.write(size)
    try store.keep()
    let head = try #require(store.follower.newestHead)
    for revision in 1...UInt64(size) {
      let proof = try #require(
        try store.follower.prove(Revision(revision), in: store.log.durableEnd, withPayload: revision % 3 == 0))
      #expect(proof.holds && proof.head == head && proof.leaf == revision - 1)
      #expect(LeafFields(proof.header)?.revision == revision)
      #expect((proof.opening != nil) == (revision % 3 == 0))
    }
    #expect(try store.follower.prove(Revision(UInt64(size) + 1), in: store.log.durableEnd, withPayload: true) == nil)
    #expect(try store.follower.prove(.none, in: store.log.durableEnd, withPayload: true) == nil)
    try store.close()
  }

  @Test("After a crash that moved records to the next segment, proofs are found where they are now")
  func afterACrash() throws {
    for seed in 0..<UInt64(10) {
      let store = TreeStore(seed: seed)
      try store.open()
      try store.write(600, headEvery: 40)
      store.losePower(seed: seed)
      try store.open()
      try store.keep()
      for revision in stride(from: store.log.lastRevision.value, to: 1, by: -7) {
        let proof = try store.follower.prove(Revision(revision), in: store.log.durableEnd, withPayload: true)
        #expect(proof?.holds == true && LeafFields(proof!.header)?.revision == revision)
      }
      store.abandon()
    }
  }

  @Test("A proof of which anything was changed does not hold")
  func mutations() throws {
    let store = TreeStore(seed: 4)
    try store.open()
    try store.write(300)
    try store.keep()
    let proof = try #require(try store.follower.prove(Revision(123), in: store.log.durableEnd, withPayload: true))
    #expect(proof.holds)
    func broken(_ change: (inout LeafProof) -> Void) -> Bool {
      var changed = proof
      change(&changed)
      return !changed.holds
    }
    for place in proof.header.indices { #expect(broken { $0.header[place] ^= 1 }) }
    for place in proof.path.indices { #expect(broken { $0.path.remove(at: place) }) }
    #expect(
      broken { $0.leaf += 1 } && broken { $0.commitment = proof.path[0] } && broken { $0.path.append(proof.path[0]) })
    if let opening = proof.opening {
      for place in opening.payload.indices { #expect(broken { $0.opening?.payload[place] ^= 1 }) }
      #expect(broken { $0.opening?.salt[3] ^= 1 } && broken { $0.opening?.salt.removeLast() })
    }
    store.abandon()
  }

  @Test("A record that has become redacted keeps its leaf")
  func redacted() throws {
    let salt: UInt128 = 99
    let payload = Array(#"{"content":"secret"}"#.utf8)
    var fields = RecordFields(operation: .create, revision: Revision(1), time: 5)
    fields.salt = salt
    let seed = FrameSeed(store: .none, segment: SegmentNumber(1), generation: 0)
    func encode(_ fields: RecordFields, _ payload: [UInt8]) -> ByteBuffer {
      var buffer = ByteBuffer(capacity: 512)
      let names = ["k", "a", "", ""].map { Array($0.utf8) }
      withNames(names) { names in
        RecordEncoder.append(fields, names, payload: payload.span.bytes, seed: seed, offset: 4_168, to: &buffer)
      }
      return buffer
    }
    let plain = encode(fields, payload)
    let header = try RecordHeader.decode(plain.bytes, seed: seed, offset: 4_168)
    let commitment = try RecordLeaf.commitment(header, plain.bytes)
    var erased = fields
    erased.salt = UInt128(commitment.words[1]) << 64 | UInt128(commitment.words[0])
    erased.stateHash = UInt128(commitment.words[3]) << 64 | UInt128(commitment.words[2])
    var stored = ByteBuffer(capacity: 512)
    withNames(["k", "a", "", ""].map { Array($0.utf8) }) { names in
      let none: [UInt8] = []
      RecordEncoder.append(
        erased, names, payload: none.span.bytes, codec: .redacted, seed: seed, offset: 4_168, to: &stored)
    }
    let redacted = try RecordHeader.decode(stored.bytes, seed: seed, offset: 4_168)
    let origin = RecordOrigin(lineage: .none, epoch: 1)
    var hasher = LeafHasher()
    #expect(redacted.codec == .redacted)
    #expect(try hasher.hash(header, plain.bytes, origin) == hasher.hash(redacted, stored.bytes, origin))
  }
}
