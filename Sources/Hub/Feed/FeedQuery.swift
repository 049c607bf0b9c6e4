/// What a reader of the change feed asks for. CONTRACT: section 2, `events`.
internal import Bytes
package import LogStore

package struct FeedQuery: Equatable, Sendable {
  /// The first revision that the reader has not seen; `none` begins with the oldest that there is.
  package var from: Revision
  /// Only events of keys that begin so.
  package let prefix: [UInt8]
  /// Of those, only events of keys that begin as one of these; empty: of all.
  package let within: [[UInt8]]
  /// The most events in one reply.
  package let limit: Int
  /// The most bytes of events in one reply; one event is given all the same.
  package let bytesMax: Int

  package init(from: Revision, prefix: [UInt8], limit: Int, bytesMax: Int = .max, within: [[UInt8]] = []) {
    self.bytesMax = bytesMax
    self.from = from
    self.prefix = prefix
    self.limit = limit
    self.within = within
  }

  func wants(_ key: RawSpan) -> Bool {
    guard key.hasPrefix(prefix.span.bytes) else { return false }
    return within.isEmpty || within.contains { key.hasPrefix($0.span.bytes) }
  }
}
