/// The decision table of recovery, over all its combinations, and the same table in FORMAT.md.
import LogStore
import Testing

@Suite("Torn tail or rot")
struct TailVerdictTests {
  @Test("Only a proof makes it rot, and only with a proof it is rot")
  func table() {
    var verdicts: [TailVerdict] = []
    for follows in TailVerdict.Follows.allCases {
      for proof in TailVerdict.Proof.allCases { verdicts.append(TailVerdict.decide(follows, proof)) }
    }
    #expect(verdicts == [.complete, .rot, .torn, .rot, .torn, .rot])
  }

  @Test("FORMAT.md prints the same table")
  func document() throws {
    let rows = try FormatDocument().section("Torn tail or rot").filter { $0.hasPrefix("| ") }.dropFirst()
    let cells = rows.flatMap { $0.split(separator: "|").dropFirst().map { $0.filter { $0 != " " } } }
    let verdicts = TailVerdict.Follows.allCases.flatMap { follows in
      TailVerdict.Proof.allCases.map { "\(TailVerdict.decide(follows, $0))" }
    }
    #expect(cells == verdicts)
  }
}
