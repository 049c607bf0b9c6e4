/// Seeds of the segment target: logs as they should be, cut off, rotten, and with numbers that make no sense.
package import FuzzSupport
internal import LogStore

extension SegmentFuzz {
  package static var seeds: [FuzzSeed] {
    var seeds = beyond
    for repairs: UInt8 in [0, 1] { seeds += whole(repairs) }
    return seeds
  }

  /// - Parameters:
  ///   - mode: the bits of `SegmentStore.Choices`.
  ///   - second: the frames of a second segment.
  private static func seed(
    _ name: String, _ mode: UInt8, durable: UInt8 = 0, base: UInt8 = 0, _ first: [UInt8], _ second: [UInt8] = []
  ) -> FuzzSeed {
    let split = first.count / Layout.alignment
    var bytes: [UInt8] = [mode, durable, UInt8(split & 255), UInt8(split >> 8), base]
    bytes += first
    bytes += second
    return FuzzSeed(name, bytes)
  }

  private static let put = Samples.frame(first: 1, [Samples.put("key", "{}", revision: 1)])

  private static func whole(_ repairs: UInt8) -> [FuzzSeed] {
    let first = SegmentStore.seed(of: 1)
    let more = Samples.frame(
      first: 2, durableOffset: 4_096,
      [Samples.put("a", "1", revision: 2, continues: true), Samples.delete("key", revision: 3)])
    let last = Samples.frame(first: 4, [Samples.put("b", "2", revision: 4), Samples.epoch()])
    let open = Samples.row([Samples.stamp(after: 0), put, more], seed: first)
    let closed = Samples.row([put, more, Samples.stamp(after: 3, isCleanClose: true)], seed: first)
    let sealed = Samples.row([put, more, Samples.seal(after: 3)], seed: first)
    let second = Samples.row([Samples.stamp(after: 3), last], seed: SegmentStore.seed(of: 2))
    var torn = open
    for index in (open.count - 64)..<open.count { torn[index] = 0 }
    return [
      seed("open-\(repairs)", repairs, open),
      seed("closed-\(repairs)", repairs | 8, closed),
      seed("torn-\(repairs)", repairs | 8, torn),
      seed("rot-\(repairs)", repairs | 8, durable: 3, torn),
      seed("sealed-\(repairs)", repairs | 10, sealed, second),
      seed("cut-\(repairs)", repairs | 6, base: 4, open, second),
      seed("lost-\(repairs)", repairs | 130, sealed, second),
    ]
  }

  /// Frames that are whole, and whose numbers are beyond what can be counted on from, or speak of what is not there.
  private static var beyond: [FuzzSeed] {
    let first = SegmentStore.seed(of: 1)
    func stamp(_ name: String, _ change: (inout FrameHeader) -> Void) -> FuzzSeed {
      var frame = Samples.stamp(after: 1)
      change(&frame.header)
      return seed(name, 8, Samples.row([put, frame, put], seed: first))
    }
    let marked = Samples.Record(fields: RecordFields(operation: .epoch, revision: Revision(7), time: 0))
    return [
      stamp("last-beyond") { $0.lastRevision = Revision(.max) },
      stamp("last-ahead") { $0.lastRevision = Revision(5) },
      stamp("claim-beyond") { $0.durableThrough = Revision(.max) },
      stamp("epoch-beyond") { $0.epoch = .max },
      stamp("time-beyond") { $0.time = .min },
      seed("marked-epoch", 8, Samples.row([Samples.frame(first: 1, [marked])], seed: first)),
      seed(
        "cut-without-base", 14, Samples.row([put], seed: first),
        Samples.row([Samples.stamp(after: 1)], seed: SegmentStore.seed(of: 2))),
    ]
  }
}
