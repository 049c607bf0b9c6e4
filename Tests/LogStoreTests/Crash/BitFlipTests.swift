/// Rows 6 and 8: single inverted bits in segments and manifests. Every bit when `MFH_TEST_SCALE` is more than 1, else a
/// sample that is spread over all bytes and all bits.
import LogStore
import LogStoreTesting
import TestSupport
import Testing

@Suite("Inverted bits")
struct BitFlipTests {
  @Test(
    "Row 6: a bit inverted in a segment gives an error with its place, or every record exactly: never anything else")
  func segments() throws {
    let (disk, driver) = try Stores.make(events: 60)
    let names = disk.image.paths.filter { $0.hasSuffix(".seg") }
    try #require(names.count >= 3)
    let stride = TestScale.value > 1 ? 1 : 51
    var flips = 0
    var refused = 0
    for name in names {
      let bytes = try #require(disk.image.contents(name))
      let used = (bytes.lastIndex { $0 != 0 } ?? 0) + 1
      for bit in Swift.stride(from: flips % stride, to: used * 8, by: stride) {
        var image = disk.image
        image.flip(name, bit: bit)
        let outcome = Stores.open(image, driver)
        if case .refused(let error) = outcome {
          refused += 1
          #expect(error.segment != nil || error.message.contains(name), "\(name) bit \(bit): \(error)")
        } else {
          #expect(outcome.survey?.complaint == nil && outcome.survey?.events == 60, "\(name) bit \(bit)")
        }
        flips += 1
      }
    }
    print("row 6: \(flips) bits inverted, \(refused) stores refused, 0 wrong")
    // What is not refused lies in the two stamps of the close, which prove nothing that the manifest does not.
    #expect(refused > flips * 9 / 10)
    #expect(flips > 4_000)
  }

  @Test("Row 8: every bit inverted in one copy of the manifest: the other copy serves; in both: refused")
  func manifests() throws {
    let (disk, driver) = try Stores.make(events: 30)
    var flips = 0
    for name in StoreNames.manifests {
      let count = try #require(disk.image.contents(name)).count
      for bit in stride(from: 0, to: count * 8, by: TestScale.value > 1 ? 1 : 3) {
        var image = disk.image
        image.flip(name, bit: bit)
        #expect(Stores.open(image, driver) == .opened(Survey(events: 30, epoch: 1)), "\(name) bit \(bit)")
        flips += 1
        if bit % 16 == 0 {
          for other in StoreNames.manifests where other != name { image.flip(other, bit: bit) }
          #expect(Stores.open(image, driver).code == .damaged)
        }
      }
    }
    print("row 8: \(flips) bits inverted in a manifest")
    #expect(flips > 800)
  }

  @Test("Row 8: a manifest that is cut off at any byte, or longer than it may be: the other copy serves")
  func truncatedManifests() throws {
    let (disk, driver) = try Stores.make(events: 5)
    for name in StoreNames.manifests {
      let bytes = try #require(disk.image.contents(name))
      for length in 0..<bytes.count {
        var image = disk.image
        image.put(name, Array(bytes[..<length]))
        #expect(Stores.open(image, driver) == .opened(Survey(events: 5, epoch: 1)))
      }
      var image = disk.image
      image.put(name, [UInt8](repeating: 0, count: Layout.Manifest.bytesMax + 1))
      #expect(Stores.open(image, driver) == .opened(Survey(events: 5, epoch: 1)))
    }
  }
}
