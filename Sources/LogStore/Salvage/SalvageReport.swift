/// What a salvage found and did, for the log of the operator and for the file in the quarantine.

package struct SalvageReport: Equatable, Sendable {
  /// The directory that the damaged files are in, below that of the store.
  package var quarantine: String
  /// The revisions that are lost, in order.
  package var lost: [ClosedRange<UInt64>]
  /// What was wrong, one line each.
  package var issues: [String]
  /// The segments that were written anew.
  package var segments: [UInt32]
  package var epoch: UInt64

  package var lostRevisions: UInt64 { lost.reduce(0) { $0 + ($1.upperBound - $1.lowerBound + 1) } }

  /// `7, 12 to 19`.
  package var lostText: String { SalvageReport.text(lost) }

  static func text(_ ranges: [ClosedRange<UInt64>]) -> String {
    let shown = ranges.prefix(8).map {
      $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)"
    }
    return shown.joined(separator: ", ") + (ranges.count > 8 ? " and \(ranges.count - 8) more ranges" : "")
  }

  func file(at time: Int64, store: StoreIdentity) -> String {
    var lines = [
      "Salvage of store \(store) at \(UTCText.compact(time))", "",
      "The files beside this one are those that were in the way: damaged, misplaced, or out of date after the salvage.",
      "Nothing in them was changed. See \"Salvage\" in the operations guide.", "",
      lost.isEmpty ? "No revision is lost." : "\(lostRevisions) revisions are lost: \(lostText)",
      "Segments written anew: \(segments.map(String.init).joined(separator: ", "))", "Epoch from here on: \(epoch)", "",
      "What was found:",
    ]
    lines += issues.map { "- \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// What an inspection says of a store that was refused.
package struct DamageReport: Sendable {
  /// One line each.
  package private(set) var issues: [String] = []
  /// The revisions that are lost, as far as they are known, in order.
  package private(set) var lost: [ClosedRange<UInt64>] = []

  /// Looks at all of the store. Without a lock: for a store that nobody has open.
  package init(_ storage: any Storage) throws(LogError) {
    let survey = SalvageSurvey()
    var inspector = LogInspector(try StoreInspection.open(storage), visitor: survey)
    inspector.run()
    issues = survey.issues.map(\.description)
    lost = survey.issues.compactMap(\.lost).sorted { $0.lowerBound < $1.lowerBound }
  }

  package var lostText: String {
    guard !lost.isEmpty else { return "no revision is known to be lost" }
    let count = lost.reduce(UInt64(0)) { $0 + ($1.upperBound - $1.lowerBound + 1) }
    return "revisions lost: \(SalvageReport.text(lost)) (\(count))"
  }
}
