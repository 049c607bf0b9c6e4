/// The consistent cut: a scan in chunks, between which the tree may change.
///
/// The image that such a scan gives is fuzzy: each key is as it was when its chunk was read. Together with the log's
/// records behind the revision at which the scan began it is exact, because every record says where its key's newest
/// version lies, and taking it in twice changes nothing. See docs/decisions/0002-index-structure-and-consistent-cut.md.
internal import Bytes

/// Where a scan in chunks goes on.
package struct ScanCursor: Sendable {
  fileprivate var last: [UInt8] = []
  package fileprivate(set) var isAtEnd = false

  package init() {}
}

extension KeyTree {
  /// Visits at most `limit` keys behind the cursor and moves it. Between two chunks the tree may be changed at will.
  package func scanChunk(_ cursor: inout ScanCursor, limit: Int, _ visit: (RawSpan, IndexValue) -> Void) {
    precondition(limit > 0, "a chunk has at least one key")
    var left = limit
    var last: [UInt8] = []
    scan(from: cursor.last.span.bytes, inclusive: false) { key, value in
      visit(key, value)
      left -= 1
      if left == 0 { last = key.array() }
      return left > 0
    }
    cursor.isAtEnd = left > 0
    if left == 0 { cursor.last = last }
  }
}
