/// What one run of load came to: latencies by operation, throughput, errors by code.
internal import Bytes
internal import Histogram

struct LoadReport {
  /// Nanoseconds, by `Operation.rawValue`.
  private(set) var latencies = Operation.allCases.map { _ in LoadReport.histogram() }
  private(set) var errors: [String: Int] = [:]
  private(set) var errorCount = 0
  /// From the first request to the last reply, in seconds.
  var seconds = 0.0

  private static func histogram() -> Histogram<UInt64> {
    Histogram(
      lowestDiscernibleValue: 100, highestTrackableValue: 100_000_000_000, numberOfSignificantValueDigits: .three)
  }

  mutating func count(_ operation: Operation, nanoseconds: Int64, _ reply: RawSpan) {
    _ = latencies[operation.rawValue].record(UInt64(max(nanoseconds, 1)))
    if !LoadReport.isSuccess(reply) { note(LoadReport.code(reply)) }
  }

  private static let successHead: StaticString = #"{"success":true"#

  private static func isSuccess(_ reply: RawSpan) -> Bool {
    let length = successHead.utf8CodeUnitCount
    return reply.byteCount > length && reply.extracting(0..<length).equals(successHead)
  }

  /// The reply's code; errors are rare, so looking for it may be slow.
  private static func code(_ reply: RawSpan) -> String {
    let parts = reply.text().split(separator: #""code":""#)
    guard parts.count > 1, let end = parts[parts.count - 1].firstIndex(of: "\"") else { return "not_a_reply" }
    return String(parts[parts.count - 1][..<end])
  }

  private mutating func note(_ code: String) {
    errors[code, default: 0] += 1
    errorCount += 1
  }

  var requests: Int { Operation.allCases.reduce(0) { $0 + count(of: $1) } }
  var perSecond: Double { seconds > 0 ? Double(requests) / seconds : 0 }

  func count(of operation: Operation) -> Int { Int(latencies[operation.rawValue].totalCount) }

  func microseconds(_ operation: Operation, percentile: Double) -> Double {
    Double(latencies[operation.rawValue].valueAtPercentile(percentile)) / 1_000
  }

  func microsecondsMax(_ operation: Operation) -> Double { Double(latencies[operation.rawValue].max) / 1_000 }
}
