/// Remembers the writes that had a request id, so that a repeat gets the first outcome and changes nothing.
///
/// It is rebuilt from the log when the hub opens: every record carries its request id and the fingerprint of the
/// request's content.
package import LogStore

package struct RequestMemory {
  package struct Remembered: Sendable {
    /// A hash of the request's content: the same id with another content is an error. 0: the content was redacted.
    package var fingerprint: UInt64
    /// The commit that makes it durable; 0 when it was read from the log.
    package var ticket: UInt64
    package var firstRecord: RecordPosition
    package var recordCount: UInt32
    package var time: Int64
    /// For a single operation: what it did, and its revision.
    package var operation: Operation
    package var revision: Revision
    /// The first revision of the atomic commit; less than `revision` when the hub had keys expire before.
    package var commitStart: Revision
  }

  /// The seed of the names. Secret: who knows it could look for two requests with one name.
  var seed = UInt64.random(in: .min ... .max)
  private var byRequest: [KeyHash: Remembered] = [:]
  /// In order of time; entries before `oldest` are forgotten.
  private var order: [(KeyHash, Int64)] = []
  private var oldest = 0
  /// How many entries have been given back at the front of `order`.
  private var given = 0
  private let countMax: Int
  private let ageMax: Int64

  package init(countMax: Int, ageMaxMicroseconds: Int64) {
    self.countMax = countMax
    ageMax = ageMaxMicroseconds
  }

  package var count: Int { byRequest.count }

  package func find(_ request: KeyHash, now: Int64) -> Remembered? {
    guard let found = byRequest[request], found.time > oldestKept(now) else { return nil }
    return found
  }

  package mutating func remember(_ request: KeyHash, _ remembered: Remembered) {
    byRequest[request] = remembered
    order.append((request, remembered.time))
    forget(now: remembered.time)
  }

  /// The request's content was redacted: nothing is kept by which it could be guessed, and any content counts as the same.
  mutating func forgetContent(_ request: KeyHash) { byRequest[request]?.fingerprint = 0 }

  /// A recovery has moved the request's first record.
  mutating func move(_ request: KeyHash, revision: Revision, to position: RecordPosition) {
    guard byRequest[request]?.revision == revision else { return }
    byRequest[request]?.firstRecord = position
  }

  /// Visits at most `limit` remembered requests in the order in which they were made, from `cursor` on, and moves it.
  /// Returns whether that were all. Between two calls anything may change; what is forgotten meanwhile is left out.
  func forEach(from cursor: inout Int, limit: Int, _ visit: (KeyHash, Remembered) -> Void) -> Bool {
    var index = max(cursor - given, oldest)
    let end = min(index + limit, order.count)
    while index < end {
      let (request, time) = order[index]
      if let remembered = byRequest[request], remembered.time == time { visit(request, remembered) }
      index += 1
    }
    cursor = index + given
    return index >= order.count
  }

  /// Another record of the same batch.
  package mutating func extend(_ request: KeyHash) { byRequest[request]?.recordCount += 1 }

  /// Times read from a file can be any.
  private func oldestKept(_ now: Int64) -> Int64 {
    let (time, overflow) = now.subtractingReportingOverflow(ageMax)
    return overflow ? .min : time
  }

  private mutating func forget(now: Int64) {
    while oldest < order.count, order.count - oldest > countMax || order[oldest].1 <= oldestKept(now) {
      let (request, time) = order[oldest]
      if byRequest[request]?.time == time { byRequest.removeValue(forKey: request) }
      oldest += 1
    }
    // The array's front is given back in one go, once it is the larger half.
    if oldest > 1_024, oldest > order.count / 2 {
      order.removeFirst(oldest)
      given += oldest
      oldest = 0
    }
  }
}
