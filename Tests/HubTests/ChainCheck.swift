/// The links of every record of a log, checked against a list of each key's events.
import LogStore
import Testing

enum ChainCheck {
  /// Expects that depths count, that each event links to the head before it, and each head to an earlier head. Returns
  /// how many heads skip further than to the one before.
  @discardableResult
  static func check(_ records: [LoggedRecord], at: SourceLocation = #_sourceLocation) throws -> Int {
    var events: [String: [UInt64]] = [:]
    var long = 0
    for record in records where record.operation.takesRevision {
      let earlier = events[record.key, default: []]
      events[record.key, default: []].append(record.revision)
      var isRight = record.previous == earlier.last ?? 0 && Int(record.depth) == earlier.count
      if record.depth == 0 {
        isRight = isRight && record.skip == 0
      } else if record.depth % 16 != 0 {
        isRight = isRight && record.skip == earlier[earlier.count / 16 * 16]
      } else if let index = earlier.firstIndex(of: record.skip), index % 16 == 0 {
        if index < earlier.count - 16 { long += 1 }
      } else {
        isRight = false
      }
      if !isRight {
        Issue.record("\(record)", sourceLocation: at)
        break
      }
    }
    return long
  }
}
