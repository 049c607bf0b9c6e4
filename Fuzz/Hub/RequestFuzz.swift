/// Requests to a hub, one on each line. A line that begins with `&` leaves its commit under way; `+` and digits let that
/// many milliseconds pass; `#` closes the hub and starts it again, `!` starts it again as after a crash.
internal import Bytes
package import FuzzSupport
internal import FuzzLog

package enum RequestFuzz: FuzzTarget {
  package static let name = "request"

  package static func run(_ input: RawSpan) throws(FuzzFailure) {
    let session = RequestSession(MemoryDisk())
    var start = 0
    for position in 0..<input.byteCount where input.u8(position) == UInt8(ascii: "\n") {
      try take(input.extracting(start..<position), session)
      start = position + 1
    }
    try take(input.extracting(start..<input.byteCount), session)
    try session.finish()
  }

  private static func take(_ line: RawSpan, _ session: RequestSession) throws(FuzzFailure) {
    guard line.byteCount > 0 else {
      try session.take(line)
      return
    }
    let rest = line.extracting(1..<line.byteCount)
    switch line.u8(0) {
    case UInt8(ascii: "&"): try session.take(rest, waits: true)
    case UInt8(ascii: "+"): session.advance(milliseconds: milliseconds(rest))
    case UInt8(ascii: "#"): try session.restart(isClean: true)
    case UInt8(ascii: "!"): try session.restart(isClean: false)
    default: try session.take(line)
    }
  }

  private static func milliseconds(_ digits: RawSpan) -> Int64 {
    var value: Int64 = 0
    for position in 0..<min(digits.byteCount, 12) {
      let byte = digits.u8(position)
      guard byte >= 0x30, byte <= 0x39 else { break }
      value = value * 10 + Int64(byte - 0x30)
    }
    return value
  }

  package static var seeds: [FuzzSeed] {
    [
      FuzzSeed(
        "life",
        """
        {"action":"put","key":"a","item":{"content":"x"},"request_id":"r"}
        {"action":"get","key":"a"}
        {"action":"put","key":"a","item":{"content":"y"},"if_revision":1}
        {"action":"put","key":"a","item":{"content":"y"},"if_revision":1}
        {"action":"delete","key":"a","if_revision":2}
        {"action":"exists","key":"a"}
        #
        {"action":"checksum"}
        """),
      FuzzSeed(
        "batch",
        """
        {"action":"batch","agent_id":"g","request_id":"1","operations":[{"op":"put","key":"a","item":{"session_id":"s"}},{"op":"delete","key":"b"},{"op":"put","key":"a","item":{"content":[]},"if_revision":1}]}
        &{"action":"batch","agent_id":"g","request_id":"1","operations":[{"op":"put","key":"a","item":{"session_id":"s"}},{"op":"delete","key":"b"},{"op":"put","key":"a","item":{"content":[]},"if_revision":1}]}
        {"action":"batch_get","keys":["a","b","a"]}
        !
        {"action":"list_keys","prefix":"","limit":2,"start_after":"a"}
        """),
      FuzzSeed(
        "expiry",
        """
        &{"action":"put","key":"a","item":{"content":"x"},"ttl_seconds":0.5}
        &{"action":"get","key":"a"}
        +600
        {"action":"put","key":"a","item":{"content":"x"},"if_revision":0}
        {"action":"put","key":"b","item":{"content":"x","expiry_timestamp":"2025-08-07T17:30:02Z"}}
        +2000
        {"action":"checksum"}
        #
        """),
      FuzzSeed(
        "feed",
        """
        {"action":"put","key":"a/1","item":{"content":"x"},"agent_id":"g","correlation_id":"c"}
        {"action":"put","key":"a/1","item":{"content":"y"},"ttl_seconds":0.5}
        &{"action":"put","key":"b","item":{"content":"z"}}
        {"action":"events","prefix":"a/","limit":1}
        +600
        {"action":"checksum"}
        {"action":"events","from_revision":2,"wait_ms":30000}
        #
        {"action":"events","from_time":"2025-08-07T17:30:00Z"}
        {"action":"events","from_revision":9,"wait_ms":1}
        """),
      FuzzSeed(
        "others",
        """
        {"action":"ping"}
        {"action":"health"}
        {"action":"stats"}
        {"action":"get","key":"a","min_revision":9,"wait_ms":0,"correlation_id":"c"}
        {"action":"nothing","request_id":"\\u00e9"}
        {"action":"put","key":"k","item":{"knowledge_id":"k","title":"t","content":{},"category":"c","confidence_score":1e-5}}
        [1]
        """),
    ]
  }
}
