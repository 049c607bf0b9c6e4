/// Histories as text: what is written is read again, and what is none is refused with its line.
import HistoryChecker
import TestSupport
import Testing

@Suite("Histories as text") struct HistoryTextTests {
  @Test("A history is the same after it was written and read")
  func roundTrip() throws {
    var random = SeededGenerator.fromEnvironment("histories as text")
    let history = RandomHistory().make(500, &random)
    #expect(try HistoryText.history(of: "# a comment\n\n" + HistoryText.text(of: history)) == history)
  }

  @Test(
    "A line that is no operation is refused, with its number",
    arguments: [
      "k s1 0 9 get", "k s1 0 9 get =", "k s1 0 9 = absent", "k s1 9 0 get = absent", "k s1 x 9 get = absent",
      "k 1x 0 9 get = absent", "k s1 0 - get = absent", "k s1 0 9 get if 3 = absent", "k s1 0 9 put = stored 1 created",
      "k s1 0 9 put a = stored 1", "k s1 0 9 put a = stored 1 new", "k s1 0 9 put a if x = stored 1 created",
      "k s1 0 9 get = found a", "k s1 0 9 get = found a 4611686018427387905", "k s1 -1 9 get = absent",
      "k s1 0 99999999999999999999 get = absent", "k s1 0 9 delete = deleted", "k s1 0 9 delete = conflict a",
    ])
  func malformed(_ line: String) {
    let error = #expect(throws: HistoryText.Malformed.self) {
      try HistoryText.history(of: "k s1 0 9 get = absent\n" + line)
    }
    #expect(error?.line == 2)
  }

  @Test("Revisions at the end of their range are checked like others")
  func large() throws {
    let history = try HistoryText.history(
      of:
        "k - 0 1 put a = stored 4611686018427387904 created\nk - 0 9 put b = unknown\nk - 0 9 delete = nothing 4611686018427387904"
    )
    #expect(LinearizabilityChecker().violation(in: history) == .revisionMissing(2))
  }
}
