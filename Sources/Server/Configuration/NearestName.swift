/// "Did you mean …?": the name that needs the fewest edits to become another.
enum NearestName {
  /// nil when nothing is near enough to be worth a guess.
  static func of(_ given: String, among names: [String]) -> String? {
    let allowed = max(given.utf8.count > 3 ? 2 : 1, given.utf8.count / 3)
    // A name of any length may stand in a hostile file; the table below is quadratic in it.
    guard given.utf8.count <= 64 else { return nil }
    let ranked = names.map { (name: $0, edits: edits(Array(given.utf8), Array($0.utf8))) }
    guard let best = ranked.min(by: { $0.edits < $1.edits }), best.edits <= allowed else { return nil }
    return best.name
  }

  /// The Levenshtein distance: insertions, deletions and substitutions of bytes.
  private static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (leftIndex, leftByte) in left.enumerated() {
      var diagonal = row[0]
      row[0] = leftIndex + 1
      for (rightIndex, rightByte) in right.enumerated() {
        let substitution = diagonal + (leftByte == rightByte ? 0 : 1)
        diagonal = row[rightIndex + 1]
        row[rightIndex + 1] = min(substitution, diagonal + 1, row[rightIndex] + 1)
      }
    }
    return row[right.count]
  }
}
