/// The parts of the state, each by itself.
import Bytes
import CXXHash
@testable import Hub
import KeyIndex
import LogStore
import TestSupport
import Testing

@Suite struct VersionEntryTests {
  @Test("An entry in the index's 16 bytes is itself again, its length rounded up to 32 bytes")
  func packing() {
    var generator = SeededGenerator.fromEnvironment("VersionEntryTests.packing")
    func check(
      _ revision: UInt64, _ kind: UInt8, _ mayExpire: Bool, _ segment: UInt32, _ offset: UInt32, _ length: UInt32
    ) {
      let entry = VersionEntry(
        revision: Revision(revision), itemKind: kind, mayExpire: mayExpire,
        position: RecordPosition(segment: SegmentNumber(segment), offset: offset, length: length))
      let back = VersionEntry(entry.indexValue)
      #expect(back.revision == entry.revision && back.itemKind == kind && back.mayExpire == mayExpire)
      #expect(back.position.segment.value == segment && back.position.offset == offset)
      #expect(back.position.length >= length && back.position.length < length + 32)
    }
    let offsetMax = UInt32(VersionEntry.segmentBytesMax - 8)
    for revision in [0, 1, 1 << 56 - 1] as [UInt64] {
      for kind in [0, 1, 127] as [UInt8] {
        for segment in [0, 1, 1 << 24 - 1] as [UInt32] {
          for offset in [0, 8, 4_096, offsetMax] {
            for length in [1, 32, 33, UInt32(VersionEntry.recordBytesMax)] {
              check(revision, kind, false, segment, offset, length)
              check(revision, kind, true, segment, offset, length)
            }
          }
        }
      }
    }
    for _ in 0..<10_000 {
      check(
        generator.next() >> 8, UInt8.random(in: 0...127, using: &generator), Bool.random(using: &generator),
        UInt32.random(in: 0..<1 << 24, using: &generator), UInt32.random(in: 0...offsetMax / 8, using: &generator) * 8,
        UInt32.random(in: 1...UInt32(VersionEntry.recordBytesMax), using: &generator))
    }
  }

  @Test("A version is due from its expiry on, and never without one")
  func due() {
    func version(_ expiry: Int64) -> Version {
      Version(entry: VersionEntry(IndexValue(low: 0, high: 0)), creationTime: 0, expiry: expiry, stateHash: 0)
    }
    #expect(
      !version(0).isDue(at: .max) && !version(5).isDue(at: 4) && version(5).isDue(at: 5) && version(-5).isDue(at: -5))
  }
}

@Suite struct StateChecksumTests {
  @Test("A block is hashed as the contract says, and the sum does not depend on the order")
  func blocks() {
    var scratch = ByteBuffer()
    let key = Array("key".utf8)
    let item = Array("{}".utf8)
    let bytes: [UInt8] = [3, 0, 0, 0] + key + [7, 1, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0] + item
    let expected = XXH3_128bits(bytes, bytes.count)
    let block = StateChecksum.block(
      key: key.span.bytes, revision: Revision(0x107), item: item.span.bytes, scratch: &scratch)
    #expect(block == UInt128(expected.high64) << 64 | UInt128(expected.low64))

    var forwards = StateChecksum()
    var backwards = StateChecksum()
    let blocks: [UInt128] = [1, .max, 1 << 127, 12_345, .max - 5]
    for block in blocks { forwards.add(block) }
    for block in blocks.reversed() { backwards.add(block) }
    #expect(forwards == backwards)
    for block in blocks { forwards.remove(block) }
    #expect(forwards == StateChecksum())
  }

  @Test("The text is 32 lower-case hexadecimal digits, leading zeros too")
  func text() {
    var checksum = StateChecksum()
    #expect(checksum.text == String(repeating: "0", count: 32))
    checksum.add(0xAB)
    #expect(checksum.text == String(repeating: "0", count: 30) + "ab")
    checksum.remove(0xAC)
    #expect(checksum.text == String(repeating: "f", count: 32))
  }
}

@Suite struct PendingTests {
  private static func hash(_ key: String) -> KeyHash {
    let bytes = Array(key.utf8)
    return KeyHash(bytes.span.bytes)
  }

  private static func set(
    _ pending: inout PendingVersions, _ key: String, ticket: UInt64, revision: UInt64, expiry: Int64 = 0
  ) {
    let bytes = Array(key.utf8)
    let version = Version(
      entry: VersionEntry(
        revision: Revision(revision), itemKind: 1, mayExpire: expiry != 0,
        position: RecordPosition(segment: SegmentNumber(1), offset: 0, length: 32)), creationTime: 0, expiry: expiry,
      stateHash: 0)
    pending.set(
      KeyHash(bytes.span.bytes), bytes.span.bytes,
      .init(ticket: ticket, revision: Revision(revision), version: version))
  }

  @Test("A pending version stays until its own commit is settled, and hides older ones")
  func pendingVersions() {
    var pending = PendingVersions()
    Self.set(&pending, "a", ticket: 1, revision: 1)
    Self.set(&pending, "b", ticket: 1, revision: 2)
    Self.set(&pending, "a", ticket: 3, revision: 3)
    pending.settle(Self.hash("a"), ticket: 1)
    pending.settle(Self.hash("b"), ticket: 1)
    #expect(pending.newest(Self.hash("a"))?.revision.value == 3 && pending.newest(Self.hash("b")) == nil)
    pending.settle(Self.hash("a"), ticket: 3)
    #expect(pending.count == 0)
  }

  @Test("The keys of pending versions that expire are kept until their commit is settled")
  func expiringKeys() {
    var pending = PendingVersions()
    Self.set(&pending, "a", ticket: 1, revision: 1, expiry: 5)
    Self.set(&pending, "b", ticket: 1, revision: 2)
    Self.set(&pending, "c", ticket: 2, revision: 3, expiry: -5)
    func keys() -> [String] { pending.expiringKeys.map { String(decoding: $0, as: UTF8.self) } }
    #expect(keys() == ["a", "c"])
    pending.settle(through: 0)
    #expect(keys() == ["a", "c"])
    pending.settle(through: 1)
    #expect(keys() == ["c"])
    pending.settle(through: 9)
    #expect(keys() == [])
  }

  @Test("Replaced hashes come out in the order of their revisions, however many wait")
  func replacedHashes() {
    var hashes = ReplacedHashes()
    var added: UInt64 = 0
    var taken: UInt64 = 0
    for round in 0..<200 {
      for _ in 0..<(round % 7) * 20 {
        added += 1
        hashes.add(Revision(added), UInt128(added) << 64)
      }
      for _ in 0..<(round % 5) * 30 where taken < added {
        taken += 1
        #expect(hashes.take(Revision(taken)) == UInt128(taken) << 64)
      }
    }
    while taken < added {
      taken += 1
      #expect(hashes.take(Revision(taken)) == UInt128(taken) << 64)
    }
  }
}

@Suite struct EventIdentityTests {
  private static func text(_ lineage: StoreIdentity, _ revision: UInt64, _ time: Int64) -> String {
    var buffer = ByteBuffer()
    EventIdentity.append(lineage: lineage, revision: Revision(revision), time: time, to: &buffer)
    return buffer.bytes.text()
  }

  @Test("An id is a version 8 UUID that lineage, revision and time decide, and nothing else")
  func identity() {
    let lineage = StoreIdentity(high: 1, low: 2)
    let id = Self.text(lineage, 1, 0)
    #expect(id == Self.text(lineage, 1, 0))
    var seen: Set<String> = []
    for revision in UInt64(1)...2_000 {
      for time in [Int64.min, 0, Int64(revision)] {
        let id = Self.text(lineage, revision, time)
        let characters = Array(id)
        #expect(id.count == EventIdentity.textBytes && characters[14] == "8" && "89ab".contains(characters[19]))
        #expect([8, 13, 18, 23].allSatisfy { characters[$0] == "-" } && seen.insert(id).inserted)
      }
    }
    #expect(Self.text(StoreIdentity(high: 2, low: 1), 1, 0) != id)
  }
}
