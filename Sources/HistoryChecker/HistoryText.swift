/// A history as text, one operation a line, so that one that is wrong can be read, kept and checked again.
///
/// `KEY SESSION INVOKED RETURNED CALL = OUTCOME`, where `-` stands for no session and for a return that is open:
///
///     k0 s3 1200 1900 put c1-17 if 5 = stored 12 replaced
///     k0 - 1300 - delete = unknown

package enum HistoryText {
  package struct Malformed: Error, Equatable, CustomStringConvertible {
    /// From 1.
    package let line: Int
    package let problem: String
    package var description: String { "line \(line): \(problem)" }
  }

  /// Beyond this nothing is a revision or a time; so both can be counted on from there.
  private static let numberMax: UInt64 = 1 << 62

  /// - Parameter history: keys and values have no white space.
  package static func text(of history: [HistoryOperation]) -> String {
    history.map { line(of: $0) + "\n" }.joined()
  }

  package static func line(of operation: HistoryOperation) -> String {
    let session = operation.session.map { "s\($0)" } ?? "-"
    let returned = operation.returned.map { "\($0)" } ?? "-"
    return "\(operation.key) \(session) \(operation.invoked) \(returned) \(words(operation.call)) = "
      + words(operation.outcome)
  }

  private static func words(_ call: Call) -> String {
    let condition = call.ifRevision.map { " if \($0)" } ?? ""
    return switch call {
    case .get: "get"
    case .put(let value, _): "put \(value)\(condition)"
    case .delete: "delete\(condition)"
    }
  }

  private static func words(_ outcome: Outcome) -> String {
    switch outcome {
    case .unknown: "unknown"
    case .absent: "absent"
    case .found(let version): "found \(version.value) \(version.revision)"
    case .stored(let revision, let created): "stored \(revision) \(created ? "created" : "replaced")"
    case .deleted(let revision): "deleted \(revision)"
    case .nothing(let revision): "nothing \(revision)"
    case .conflict(let version?): "conflict \(version.value) \(version.revision)"
    case .conflict(nil): "conflict"
    }
  }

  // MARK: Reading

  /// Empty lines and lines that begin with `#` are passed over.
  package static func history(of text: String) throws(Malformed) -> [HistoryOperation] {
    var history: [HistoryOperation] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard !line.isEmpty, line.first != "#" else { continue }
      guard let operation = operation(of: line) else {
        throw Malformed(line: index + 1, problem: "no operation: \(line)")
      }
      history.append(operation)
    }
    return history
  }

  private static func operation(of line: Substring) -> HistoryOperation? {
    let words = line.split(separator: " ")
    guard let equals = words.firstIndex(of: "="), equals > 4, let invoked = time(words[2]),
      let call = call(words[4..<equals]), let outcome = outcome(words[(equals + 1)...])
    else { return nil }
    let session = words[1] == "-" ? nil : Int(words[1].dropFirst())
    let returned = words[3] == "-" ? nil : time(words[3])
    guard session != nil || words[1] == "-", returned ?? .max >= invoked, (returned == nil) == (words[3] == "-"),
      returned != nil || outcome == .unknown
    else { return nil }
    return HistoryOperation(
      key: String(words[0]), session: session, invoked: invoked, returned: returned, call: call, outcome: outcome)
  }

  private static func time(_ word: Substring) -> Int64? { number(word).map { Int64($0) } }

  private static func number(_ word: Substring) -> UInt64? { UInt64(word).flatMap { $0 <= numberMax ? $0 : nil } }

  private static func call(_ words: ArraySlice<Substring>) -> Call? {
    var rest = words
    var ifRevision: UInt64?
    if rest.count >= 3, rest[rest.endIndex - 2] == "if" {
      guard let revision = number(rest[rest.endIndex - 1]) else { return nil }
      ifRevision = revision
      rest = rest.dropLast(2)
    }
    switch (rest.first, rest.count) {
    case ("get", 1): return ifRevision == nil ? .get : nil
    case ("put", 2): return .put(String(rest[rest.startIndex + 1]), ifRevision: ifRevision)
    case ("delete", 1): return .delete(ifRevision: ifRevision)
    default: return nil
    }
  }

  private static func outcome(_ words: ArraySlice<Substring>) -> Outcome? {
    let words = Array(words)
    func revision(_ place: Int) -> UInt64? { number(words[place]) }
    switch (words.first, words.count) {
    case ("unknown", 1): return .unknown
    case ("absent", 1): return .absent
    case ("conflict", 1): return .conflict(nil)
    case ("found", 3): return revision(2).map { .found(Version(String(words[1]), $0)) }
    case ("conflict", 3): return revision(2).map { .conflict(Version(String(words[1]), $0)) }
    case ("deleted", 2): return revision(1).map { .deleted(revision: $0) }
    case ("nothing", 2): return revision(1).map { .nothing(revision: $0) }
    case ("stored", 3):
      guard words[2] == "created" || words[2] == "replaced" else { return nil }
      return revision(1).map { .stored(revision: $0, created: words[2] == "created") }
    default: return nil
    }
  }
}
