/// What every file opens with, and words that no file may hold.
import Foundation
import Testing

@Suite struct CommentTests {
  @Test("Every Swift file opens by saying what it is for")
  func opening() {
    // A package's manifest has to open with the version of its tools.
    let silent = SourceTree.swift.filter { !$0.path.hasSuffix("/Package.swift") }.filter { file in
      guard let first = file.lines.first else { return true }
      // Eleven letters are the least that says anything.
      return !first.hasPrefix("/// ") || first.count < 15
    }
    #expect(silent.map(\.path) == [])
  }

  /// Split, so that this file does not hold them.
  static let unwanted = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "fatal" + "Error("]

  @Test("Nothing is left for later, and our own mistakes trap with a precondition", arguments: unwanted)
  func unwantedWords(_ word: String) {
    let found = SourceTree.swift.flatMap { file in
      file.lines.enumerated().filter { CommentTests.holds($0.element, word) }.map { "\(file.path):\($0.offset + 1)" }
    }
    #expect(found == [])
  }

  /// As a word of its own: three crosses also stand in patterns for temporary names.
  private static func holds(_ line: String, _ word: String) -> Bool {
    guard line.utf8.firstRange(of: word.utf8) != nil else { return false }
    var rest = line[...]
    while let place = rest.range(of: word) {
      let before = place.lowerBound == line.startIndex ? " " : line[line.index(before: place.lowerBound)]
      let after = place.upperBound == line.endIndex ? " " : line[place.upperBound]
      if !isLetter(before), word.hasSuffix("(") || !isLetter(after) { return true }
      rest = rest[place.upperBound...]
    }
    return false
  }

  private static func isLetter(_ character: Character) -> Bool { character.isLetter || character.isNumber }
}
