/// What a reader of the change feed asks for. CONTRACT: section 2, `events`.
package import LogStore

package struct FeedQuery: Equatable, Sendable {
  /// The first revision that the reader has not seen; `none` begins with the oldest that there is.
  package var from: Revision
  /// Only events of keys that begin so.
  package let prefix: [UInt8]
  /// The most events in one reply.
  package let limit: Int

  package init(from: Revision, prefix: [UInt8], limit: Int) {
    self.from = from
    self.prefix = prefix
    self.limit = limit
  }
}
