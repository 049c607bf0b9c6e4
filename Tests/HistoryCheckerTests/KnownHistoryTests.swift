/// Histories of which a human can say at a glance whether a hub may have given them.
import HistoryChecker
import Testing

@Suite("Known histories") struct KnownHistoryTests {
  struct Known: CustomTestStringConvertible, Sendable {
    let what: String
    let text: String
    var testDescription: String { what }
  }

  static let good = [
    Known(what: "nothing at all", text: ""),
    Known(
      what: "one after the other",
      text: """
        k s1 0 9 get = absent
        k s1 10 19 put a = stored 1 created
        k s1 20 29 put b if 1 = stored 2 replaced
        k s1 30 39 put c if 1 = conflict b 2
        k s1 40 49 delete = deleted 3
        k s1 50 59 delete = nothing 3
        k s1 60 69 put d if 3 = conflict
        k s1 70 79 put d if 0 = stored 4 created
        """),
    Known(
      what: "a read during a write sees the old or the new value",
      text: """
        k s1 0 9 put a = stored 1 created
        k s1 10 30 put b = stored 2 replaced
        k s2 11 14 get = found a 1
        k s3 15 19 get = found b 2
        """),
    Known(
      what: "a write that crashed and happened",
      text: "k s1 0 20 put a = unknown\nk s2 30 39 get = found a 1\nk s2 40 49 get = found a 1"),
    Known(
      what: "a write that crashed and did not happen",
      text: "k s1 0 20 put a = unknown\nk s2 30 39 get = absent\nk s2 40 49 put b = stored 1 created"),
    Known(
      what: "a write of unknown outcome that stays open shows up late",
      text: "k s1 0 - put a = unknown\nk s2 30 39 get = absent\nk s2 40 49 get = found a 1"),
    Known(
      what: "a crashed delete explains that the next put creates, and the revision between",
      text: """
        k s1 0 9 put a = stored 1 created
        k s1 10 20 delete = unknown
        k s2 30 39 put b = stored 3 created
        """),
    Known(
      what: "of a crashed connection the first writes happened, the later ones not",
      text: """
        k s1 0 20 put a = unknown
        k s1 1 20 put b = unknown
        k s2 30 39 get = found a 1
        """),
    Known(
      what: "a crashed conditional put whose condition failed",
      text: """
        k s1 0 9 put a = stored 1 created
        k s2 10 20 put b if 7 = unknown
        k s1 30 39 put c if 1 = stored 2 replaced
        """),
    Known(
      what: "keys share the revisions",
      text: "k s1 0 9 put a = stored 1 created\nl s1 10 19 put b = stored 2 created\nk s1 20 29 get = found a 1"),
    Known(
      what: "the same value twice",
      text: "k s1 0 9 put a = stored 1 created\nk s1 10 19 put a = stored 2 replaced\nk s1 20 29 get = found a 2"),
  ]

  static let bad = [
    Known(
      what: "a stale read",
      text: """
        k s1 0 9 put a = stored 1 created
        k s1 10 19 put b = stored 2 replaced
        k s2 20 29 get = found a 1
        """),
    Known(
      what: "new, then old",
      text: """
        k s1 0 9 put a = stored 1 created
        k s1 10 40 put b = stored 2 replaced
        k s2 11 14 get = found b 2
        k s3 15 19 get = found a 1
        """),
    Known(
      what: "a lost update: two conditional puts on one revision",
      text: """
        k s1 0 9 put a = stored 1 created
        k s1 10 19 put b if 1 = stored 2 replaced
        k s2 10 19 put c if 1 = stored 3 replaced
        """),
    Known(
      what: "two puts that both created the key",
      text: "k s1 0 19 put a if 0 = stored 1 created\nk s2 0 19 put b if 0 = stored 2 created"),
    Known(
      what: "a read of a value that was never written",
      text: "k s1 0 9 put a = stored 1 created\nk s2 0 9 get = found z 1"),
    Known(
      what: "a read of a value before it was written",
      text: "k s2 0 9 get = found a 1\nk s1 10 19 put a = stored 1 created"),
    Known(
      what: "a value of another key",
      text: "k s1 0 9 put a = stored 1 created\nl s2 10 19 get = found a 1"),
    Known(
      what: "a value that comes back after its delete",
      text: """
        k s1 0 9 put a = stored 1 created
        k s1 10 19 delete = deleted 2
        k s2 20 29 get = absent
        k s2 30 39 get = found a 1
        """),
    Known(
      what: "two deletes of one value",
      text: """
        k s1 0 9 put a = stored 1 created
        k s1 10 19 delete = deleted 2
        k s2 10 19 delete = deleted 3
        """),
    Known(
      what: "an acknowledged write that a crash lost",
      text: "k s1 0 9 put a = stored 1 created\nk s2 30 39 get = absent"),
    Known(
      what: "an acknowledged delete that a crash lost",
      text: """
        k s1 0 9 put a = stored 1 created
        k s1 10 19 delete = deleted 2
        k s2 30 39 put b = stored 3 replaced
        """),
    Known(
      what: "a write of unknown outcome that was seen and then not",
      text: "k s1 0 - put a = unknown\nk s2 30 39 get = found a 1\nk s2 40 49 get = absent"),
    Known(
      what: "a crashed write that was not there after the crash, and then was",
      text: "k s1 0 20 put a = unknown\nk s2 30 39 get = absent\nk s2 40 49 get = found a 1"),
    Known(
      what: "a crashed write that took effect twice",
      text: """
        k s1 0 20 put a = unknown
        k s2 30 39 get = found a 1
        k s2 40 49 delete = deleted 2
        k s2 50 59 get = found a 3
        """),
    Known(
      what: "a repeated write that took two revisions",
      text: "k - 0 9 put a = stored 1 created\nk s2 20 29 put b = stored 3 replaced"),
    Known(
      what: "of a crashed connection a later write was seen, and after it an earlier one",
      text: """
        k s1 0 - put a = unknown
        k s1 1 - put b = unknown
        k s2 30 39 get = found b 1
        k s2 40 49 get = found a 2
        """),
    Known(
      what: "a connection that does not see its own write under way",
      text: "k s1 0 20 put a = stored 1 created\nk s1 1 20 get = absent"),
    Known(
      what: "a connection that is told an older revision than before",
      text: "k s1 0 20 put a = stored 1 created\nl s1 1 20 delete = nothing 0"),
    Known(
      what: "a conflict that shows what is not there",
      text: "k s1 0 9 put a = stored 1 created\nk s2 10 19 put b if 9 = conflict c 1"),
    Known(
      what: "a conflict although the condition held",
      text: "k s1 0 9 put a = stored 1 created\nk s2 10 19 put b if 1 = conflict a 1"),
    Known(
      what: "a conflict with an absence that was none",
      text: "k s1 0 9 put a = stored 1 created\nk s2 10 19 put b if 5 = conflict"),
    Known(
      what: "created, although it was there",
      text: "k s1 0 9 put a = stored 1 created\nk s2 10 19 put b = stored 2 created"),
    Known(
      what: "one revision twice",
      text: "k s1 0 9 put a = stored 1 created\nl s2 10 19 put b = stored 1 created"),
    Known(
      what: "a revision that nobody took",
      text: "k s1 0 9 put a = stored 1 created\nl s2 10 19 put b = stored 3 created"),
    Known(
      what: "a missing revision, and the only unknown write came later",
      text: """
        k s1 0 9 put a = stored 1 created
        l s2 10 19 put b = stored 3 created
        k s1 20 29 put c = unknown
        """),
    Known(
      what: "revisions against the order of time, over two keys",
      text: "k s1 0 9 put a = stored 2 created\nl s2 10 19 put b = stored 1 created"),
    Known(
      what: "an absence after a later revision was told",
      text: """
        k s1 0 40 put a = stored 1 created
        l s2 0 9 put b = stored 2 created
        k s3 10 19 get = absent
        """),
    Known(
      what: "a value with a revision that was another's",
      text: """
        k s1 0 9 put a = stored 1 created
        k s1 10 19 put b = stored 2 replaced
        k s2 20 29 get = found b 1
        """),
    Known(
      what: "a delete that found nothing, of a store at an old revision",
      text: """
        k s1 0 9 put a = stored 1 created
        k s1 10 19 put b = stored 2 replaced
        l s2 20 29 delete = nothing 1
        """),
    Known(what: "a get that stores", text: "k s1 0 9 get = stored 1 created"),
    Known(what: "a conflict without a condition", text: "k s1 0 9 put a = conflict"),
  ]

  @Test("What a correct hub can have answered is accepted", arguments: good)
  func accepted(_ known: Known) throws {
    let history = try HistoryText.history(of: known.text)
    #expect(LinearizabilityChecker().violation(in: history) == nil)
    #expect(BruteForce(history).isLinearizable)
  }

  @Test("What no correct hub answers is rejected", arguments: bad)
  func rejected(_ known: Known) throws {
    let history = try HistoryText.history(of: known.text)
    #expect(LinearizabilityChecker().violation(in: history) != nil)
    #expect(!BruteForce(history).isLinearizable)
  }

  @Test("A violation names the operations, and where the search ended")
  func words() throws {
    let stale = try HistoryText.history(
      of: "k s1 0 9 put a = stored 1 created\nk s1 10 19 put b = stored 2 replaced\nk s2 20 29 get = found a 1")
    #expect(LinearizabilityChecker().violation(in: stale) == .noOrder(key: "k", explained: [0, 1], stuck: [2]))
    let backwards = try HistoryText.history(
      of: "k s1 0 9 put a = stored 2 created\nl s2 10 19 put b = stored 1 created")
    #expect(LinearizabilityChecker().violation(in: backwards) == .revisionOrder(earlier: 0, later: 1))
  }

  @Test("A search without an end is given up and says so: it accepts nothing that it did not explain")
  func givenUp() throws {
    let lines = (0..<40).map { "k - \($0) 1000 put v\($0 % 3) = unknown" } + ["k - 2000 2001 get = found v1 3"]
    var checker = LinearizabilityChecker()
    checker.configurationsMax = 3
    #expect(
      checker.violation(in: try HistoryText.history(of: lines.joined(separator: "\n"))) == .undecided(key: "k"))
  }
}
