/// Every byte of a small store, damaged one after the other.
import Foundation
import LogStore
import TestSupport
import Testing

@Suite("Damage everywhere")
struct ExhaustiveDamageTests {
  /// A flipped bit can cost at most the one record that it lies in; in the frame header of the last commit, or in a
  /// stamp, what is behind is not proven durable by anything else.
  @Test("A flipped bit in any byte of a sealed segment costs at most one record, which is named as lost")
  func sealedSegment() throws {
    let fixture = try StoreFixture.closed(events: 60, segmentBytes: 16 * 1024)
    try #require(fixture.positions.contains { $0.segment.value >= 2 })
    let file = fixture.directory.segment(1)
    var bytes = try fixture.directory.read(file)
    let all = Set(fixture.model.map(\.revision))
    let end = try #require(bytes.lastIndex { $0 != 0 })
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
    for offset in 0...end {
      bytes[offset] ^= 1 << UInt8(offset % 8)
      try handle.seek(toOffset: UInt64(offset))
      try handle.write(contentsOf: bytes[offset...offset])
      let found = Inspected(fixture.directory.path)
      bytes[offset] ^= 1 << UInt8(offset % 8)
      try handle.seek(toOffset: UInt64(offset))
      try handle.write(contentsOf: bytes[offset...offset])
      let lost = all.subtracting(found.revisions)
      #expect(found.failure == nil)
      #expect(lost.count <= 1, "byte \(offset) cost \(lost)")
      #expect(found.lost == lost, "byte \(offset)")
      #expect(!found.damages.isEmpty, "byte \(offset) was not noticed")
      #expect(found.revisions == found.revisions.sorted())
    }
  }

  @Test("A segment cut off at any eighth byte gives every whole record before the cut")
  func cutOff() throws {
    let fixture = try StoreFixture.closed(events: 60, segmentBytes: 16 * 1024)
    let file = fixture.directory.segment(1)
    let bytes = try fixture.directory.read(file)
    for cut in stride(from: 0, to: bytes.count, by: 40) {
      try fixture.directory.write(Array(bytes[..<cut]), to: file)
      let found = Inspected(fixture.directory.path)
      let kept = fixture.model.map(\.revision).filter {
        let position = fixture.position($0)
        return position.segment.value != 1 || Int(position.offset + position.length) <= cut
      }
      #expect(found.revisions == kept, "cut at \(cut)")
      #expect(!found.damages.isEmpty)
    }
  }

  @Test("Random bytes anywhere never stop the rest from being read")
  func randomDamage() throws {
    let seed = ProcessInfo.processInfo.environment["MFH_TEST_SEED"].flatMap(UInt64.init) ?? .random(in: .min ... .max)
    var random = Lehmer(state: seed)
    let fixture = try StoreFixture.closed(events: 120, segmentBytes: 16 * 1024)
    let numbers = Set(fixture.positions.map { Int($0.segment.value) }).sorted()
    let originals = try numbers.map { try fixture.directory.read(fixture.directory.segment($0)) }
    for round in 0..<150 {
      var touched: [(segment: Int, range: Range<Int>)] = []
      for (index, number) in numbers.enumerated() {
        var bytes = originals[index]
        for _ in 0..<random.next(3) {
          let start = random.next(bytes.count)
          let range = start..<min(bytes.count, start + 1 + random.next(600))
          for offset in range { bytes[offset] = UInt8(random.next(256)) }
          touched.append((number, range))
        }
        try fixture.directory.write(bytes, to: fixture.directory.segment(number))
      }
      let found = Inspected(fixture.directory.path)
      let sound = fixture.model.map(\.revision).filter { revision in
        let position = fixture.position(revision)
        let range = Int(position.offset)..<Int(position.offset + position.length)
        return !touched.contains { $0.segment == Int(position.segment.value) && $0.range.overlaps(range) }
      }
      // The last segment's unproven end may be taken for torn.
      let proven = sound.filter { Int(fixture.position($0).segment.value) != numbers.last }
      #expect(Set(found.revisions).isSuperset(of: proven), "seed \(seed) round \(round)")
      #expect(Set(found.revisions).isSubset(of: sound), "seed \(seed) round \(round)")
    }
  }
}
