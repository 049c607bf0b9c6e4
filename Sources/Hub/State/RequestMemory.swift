/// Remembers the writes that had a request id, so that a repeat gets the first outcome and changes nothing.
///
/// It is rebuilt from the log when the hub opens: every record carries its request id and the fingerprint of the
/// request's content.
package import LogStore

package struct RequestMemory {
  package struct Remembered: Sendable {
    /// A hash of the request's content: the same id with another content is an error.
    package var fingerprint: UInt64
    /// The commit that makes it durable; 0 when it was read from the log.
    package var ticket: UInt64
    package var firstRecord: RecordPosition
    package var recordCount: UInt32
    package var time: Int64
    /// For a single operation: what it did, and its revision.
    package var operation: Operation
    package var revision: Revision
  }

  private var byRequest: [KeyHash: Remembered] = [:]
  /// In order of time; entries before `oldest` are forgotten.
  private var order: [(KeyHash, Int64)] = []
  private var oldest = 0
  private let countMax: Int
  private let ageMax: Int64

  package init(countMax: Int, ageMaxMicroseconds: Int64) {
    self.countMax = countMax
    ageMax = ageMaxMicroseconds
  }

  package var count: Int { byRequest.count }

  package func find(_ request: KeyHash, now: Int64) -> Remembered? {
    guard let found = byRequest[request], found.time > now - ageMax else { return nil }
    return found
  }

  package mutating func remember(_ request: KeyHash, _ remembered: Remembered) {
    byRequest[request] = remembered
    order.append((request, remembered.time))
    forget(now: remembered.time)
  }

  /// Another record of the same batch.
  package mutating func extend(_ request: KeyHash) { byRequest[request]?.recordCount += 1 }

  private mutating func forget(now: Int64) {
    while oldest < order.count, order.count - oldest > countMax || order[oldest].1 <= now - ageMax {
      let (request, time) = order[oldest]
      if byRequest[request]?.time == time { byRequest.removeValue(forKey: request) }
      oldest += 1
    }
    // The array's front is given back in one go, once it is the larger half.
    if oldest > 1_024, oldest > order.count / 2 {
      order.removeFirst(oldest)
      oldest = 0
    }
  }
}
