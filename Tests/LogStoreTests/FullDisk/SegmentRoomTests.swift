/// Where a commit goes, as a table.
import LogStore
import Testing

@Suite("Room for a commit")
struct SegmentRoomTests {
  private static let problem = LogError(.io, "no space")

  @Test("Every combination of room, reserve, user and next segment has the decision that it must have")
  func table() {
    let nexts: [SegmentSupply.Availability] = [.ready, .preparing, .failing(Self.problem)]
    for use in RoomUse.allCases {
      for fits in [false, true] {
        // What spares the reserve fits.
        for sparesReserve in fits ? [false, true] : [false] {
          for next in nexts {
            let expected: SegmentRoom.Decision =
              switch (fits, sparesReserve, use, next) {
              case (true, true, _, _), (true, false, .housekeeping, _), (true, false, .client, .ready): .here
              case (false, _, _, .ready): .next
              case (_, _, _, .preparing): .wait
              case (_, _, _, .failing): .refuse(Self.problem)
              }
            let found = SegmentRoom.decide(fits: fits, sparesReserve: sparesReserve, use) { next }
            #expect(found == expected, "\(use), fits \(fits), spares the reserve \(sparesReserve), \(next)")
          }
        }
      }
    }
  }

  @Test("As long as the reserve is spared, nobody asks for the next segment")
  func cheap() {
    let decision = SegmentRoom.decide(fits: true, sparesReserve: true, .client) {
      Issue.record("asked")
      return .preparing
    }
    #expect(decision == .here)
  }

  @Test("The reserve is an eighth of a small segment and 2 MiB of a large one; two commits of housekeeping fit into it")
  func reserve() {
    #expect(SegmentRoom.reserveBytes(capacity: 64 << 10) == 8 << 10)
    #expect(SegmentRoom.reserveBytes(capacity: 8 << 20) == 1 << 20)
    #expect(SegmentRoom.reserveBytes(capacity: 64 << 20) == 2 << 20)
    for bytes in [64 << 10, 8 << 20, 120 << 20] {
      let options = LogOptions(segmentBytes: bytes, firstSegmentBytes: bytes)
      #expect(options.housekeepingBytesMax * 2 <= SegmentRoom.reserveBytes(capacity: bytes))
    }
  }

  @Test("The pause between attempts doubles from half a second to four")
  func pauses() {
    #expect((1...6).map { SegmentSupply.pause(afterFailures: $0) } == [0.5, 1, 2, 4, 4, 4].map { .seconds($0) })
    #expect(SegmentSupply.pause(afterFailures: .max) == .seconds(4))
  }
}
