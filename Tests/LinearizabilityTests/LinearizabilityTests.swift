/// Clients that know nothing of each other, a hub that is killed under them, and one order that explains it all.
import Foundation
import HistoryChecker
import TestSupport
import Testing

@Suite("Linearizability", .serialized, .timeLimit(.minutes(10)))
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
