/// Clients that know nothing of each other, a hub that is killed under them, and one order that explains it all.
import Foundation
import HistoryChecker
import TestSupport
import Testing

@Suite("Linearizability", .serialized, .timeLimit(.minutes(2)))
struct LinearizabilityTests {
  @Test("What concurrent clients are told fits one order of their operations", arguments: Plan.Mode.allCases)
  func histories(_ mode: Plan.Mode) throws {
    var random = SeededGenerator.fromEnvironment("linearizability, \(mode.rawValue)")
    var campaign = Campaign()
    let count =
      switch mode {
      case .kills: 8
      case .stops, .calm: 4
      case .interval, .none: 2
      }
    for _ in 0..<count { try campaign.run(Plan(seed: random.next(), mode: mode, operations: 1_000)) }
    print("linearizability, \(mode.rawValue): \(campaign)")
    #expect(campaign.operations >= count * 900 && campaign.conflicts > 0)
  }

  @Test("A history from a hub with one false reply in it is rejected, and its file can be checked again")
  func planted() throws {
    var random = SeededGenerator.fromEnvironment("a false reply")
    let plan = Plan(seed: random.next(), mode: .calm, operations: 300)
    let history = try HistoryRun(plan).history
    #expect(LinearizabilityChecker().violation(in: history) == nil)
    let reads = history.indices.filter { if case .found = history[$0].outcome { true } else { false } }
    for index in reads {
      var false_ = history
      guard case .found(let version) = history[index].outcome else { continue }
      false_[index].outcome = .found(Version(version.value, version.revision + 1))
      let violation = try #require(LinearizabilityChecker().violation(in: false_))
      let read = try HistoryText.history(of: HistoryFile.text(false_, violation, plan))
      #expect(read == false_ && LinearizabilityChecker().violation(in: read) == violation)
    }
    #expect(reads.count > 20)
  }
}

/// The long run: see `scripts/linearizability`.
@Suite("Linearizability, at length", .serialized) struct LongRunTests {
  private static let environment = ProcessInfo.processInfo.environment
  private static let histories = environment["MFH_HISTORIES"].flatMap { Int($0) }
  private static let file = environment["MFH_HISTORY_FILE"]

  @Test("As many histories as are asked for are linearizable", .enabled(if: histories != nil))
  func longRun() throws {
    let histories = Self.histories ?? 0
    var random = SeededGenerator.fromEnvironment("linearizability, at length")
    // Crashes are what is looked for; the others are there too.
    let modes: [Plan.Mode] = [.kills, .kills, .kills, .kills, .kills, .stops, .stops, .calm, .interval, .none]
    var campaign = Campaign()
    for round in 0..<histories {
      try campaign.run(Plan(seed: random.next(), mode: modes[round % modes.count], operations: 1_000))
      if (round + 1) % 50 == 0 { say("\(campaign)") }
    }
    say("all linearizable: \(campaign)")
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
