/// Damage in packed segments: an error with its place, or every byte exactly.
import Bytes
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("Damage in packed segments")
struct PackedDamageTests {
  private func packedStore() throws -> (CompactionStore, String) {
    let store = try CompactionStore(commits: 40)
    #expect(store.driver.compact() >= 2)
    try store.driver.close()
    return (store, try #require(CompactionStore.packedNames(store.disk.image).first))
  }

  @Test("Row 6: a bit inverted anywhere in a packed segment: the store is refused with the place, or all is there")
  func flips() throws {
    let (store, name) = try packedStore()
    let size = try #require(store.disk.image.contents(name)).count
    var refused = 0
    var flips = 0
    for bit in Swift.stride(from: 0, to: size * 8, by: max(1, 29 / TestScale.value)) {
      var image = store.disk.image
      image.flip(name, bit: bit)
      let outcome = Stores.open(image, store.driver)
      flips += 1
      if case .refused(let error) = outcome {
        refused += 1
        #expect(error.code == .damaged || error.code == .unsupported, "bit \(bit): \(error)")
      } else {
        // What no byte is made of: the directory, its tail, one copy of the dictionary.
        #expect(outcome.survey?.complaint == nil && outcome.survey?.events == store.driver.model.events.count)
      }
    }
    print("packed segment: \(flips) bits inverted, \(refused) stores refused, 0 wrong")
    #expect(refused > flips / 2 && refused < flips)
  }

  @Test("A segment that is missing is named by the file that the manifest lists")
  func missing() throws {
    let (store, name) = try packedStore()
    let disk = SimulatedDisk(store.disk.image)
    try disk.remove(name)
    let messages = try StoreInspection.open(disk).segments.compactMap { segment in
      if case .lost(_, let issue) = segment { issue.message } else { nil }
    }
    #expect(messages.count == 1 && messages[0].hasPrefix("\(name) is missing"))
  }

  @Test("A packed segment that is cut off anywhere is refused with its place, never read as something else")
  func truncations() throws {
    let (store, name) = try packedStore()
    let bytes = try #require(store.disk.image.contents(name))
    for length in stride(from: 0, to: bytes.count, by: 97) {
      var image = store.disk.image
      image.put(name, Array(bytes[..<length]))
      let outcome = Stores.open(image, store.driver)
      if let survey = outcome.survey {
        #expect(survey.complaint == nil && survey.events == store.driver.model.events.count, "\(length) bytes")
      } else {
        #expect(outcome.code == .damaged || outcome.code == .io, "\(length) bytes: \(outcome)")
      }
    }
  }

  @Test("An inspection of a store with a damaged block tells what is lost and gives all the rest; a salvage opens it")
  func salvage() throws {
    let (store, name) = try packedStore()
    let bytes = try #require(store.disk.image.contents(name))
    var image = store.disk.image
    // The middle of the first block of frames, or near it.
    image.flip(name, bit: (Layout.SegmentHeader.blockBytes + (bytes.count - Layout.SegmentHeader.blockBytes) / 2) * 8)
    guard case .refused = Stores.open(image, store.driver) else { return }
    var options = store.driver.options
    options.salvages = true
    let log = try RecordLog(SimulatedDisk(image), options: options, now: store.driver.clock.now)
    defer { log.abandon() }
    #expect(log.recovery.salvage != nil)
    var found = 0
    try log.replay { (header, _, record) throws(LogError) in
      if header.fields.operation.takesRevision { found += store.driver.model.holds(header, record) ? 1 : 1_000_000 }
    }
    #expect(found > 0 && found < store.driver.model.events.count)
  }
}
