/// A wall clock that somebody sets back while the hub runs.
import Foundation
import Hub
import Logging
import Testing
import Threads

/// The system's clock, and a correction.
private final class CorrectedClock: HubClock {
  private let correction = Monitor(Int64(0))

  func now() -> Int64 { SystemClock().now() + correction.with { $0 } }
  func setBack(hours: Int64) { correction.with { $0 -= hours * 3_600_000_000 } }
}

@Suite("A clock that is set back", .timeLimit(.minutes(10)))
struct ClockTests {
  @Test("The house is kept all the same: a full disk is told of, and the end of it")
  func house() throws {
    let (clock, log) = (CorrectedClock(), try LogFile())
    let hub = try HubFixture {
      $0.clock = clock
      $0.firstSegmentBytes = 256 << 10
      $0.logLevel = .notice
      $0.logDescriptor = log.descriptor
    }
    let client = try Client(hub)
    try client.put("before")
    clock.setBack(hours: 1)
    hub.disk.setFull(true)
    let content = String(repeating: "x", count: 4_000)
    for number in 0..<20 { try client.put("\(number)", content) }
    try poll("the full disk is told of") { try log.text().contains("the next segment can not be made") }
    hub.disk.setFull(false)
    try poll("its end is told of") { try log.text().contains("the next segment is ready") }
  }
}
