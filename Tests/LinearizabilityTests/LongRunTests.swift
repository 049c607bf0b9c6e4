/// The long run, and a look at a history that was kept: see `scripts/linearizability`.
import Foundation
import HistoryChecker
import TestSupport
import Testing

@Suite("Linearizability, at length", .serialized) struct LongRunTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let file = environment["MFH_HISTORY_FILE"]

  /// How many histories to make, or for how long.
  private static let histories = environment["MFH_HISTORIES"].flatMap { Int($0) }
  private static let minutes = environment["MFH_HISTORY_MINUTES"].flatMap { Int($0) }

  @Test("As many histories as are asked for are linearizable", .enabled(if: histories != nil || minutes != nil))
  func longRun() throws {
    var random = SeededGenerator.fromEnvironment("linearizability, at length")
    // Crashes are what is looked for; the others are there too.
    let modes: [Plan.Mode] = [.kills, .kills, .kills, .kills, .kills, .stops, .stops, .calm, .interval, .none]
    let end = Self.minutes.map { ContinuousClock.now + .seconds($0 * 60) }
    var campaign = Campaign()
    while campaign.histories < Self.histories ?? .max, end.map({ ContinuousClock.now < $0 }) ?? true {
      let mode = modes[campaign.histories % modes.count]
      try campaign.run(Plan(seed: random.next(), mode: mode, operations: 1_000))
      if campaign.histories % 50 == 0 { say("so far: \(campaign)") }
    }
    say("\(campaign.histories) linearizable histories, none that is not: \(campaign)")
  }

  @Test("A history in a file is linearizable", .enabled(if: file != nil))
  func fileAgain() throws {
    let history = try HistoryFile.read(Self.file ?? "")
    let violation = LinearizabilityChecker().violation(in: history)
    say("\(history.count) operations: \(violation.map { "\($0)" } ?? "linearizable")")
    #expect(violation == nil)
  }

  private func say(_ text: String) {
    print(text)
    fflush(nil)
  }
}
