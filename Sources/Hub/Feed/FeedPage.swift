/// One reply of the change feed while it is put together, in as many pieces as its owner likes.
package import Bytes
package import LogStore

package final class FeedPage {
  package let query: FeedQuery
  /// The events as JSON objects with commas between them.
  // Unchecked exclusivity: one thread owns this object.
  @exclusivity(unchecked) package internal(set) var events = ByteBuffer(capacity: 4 << 10)
  @exclusivity(unchecked) package internal(set) var count = 0
  /// Revisions that a salvage found lost, among those that were passed.
  @exclusivity(unchecked) package internal(set) var lost: [ClosedRange<UInt64>] = []
  @exclusivity(unchecked) package internal(set) var isComplete = false
  /// There is more to be had at once. Until the page is complete nobody knows.
  @exclusivity(unchecked) package internal(set) var hasMore = true
  /// The newest revision that was there when the page became complete.
  @exclusivity(unchecked) package internal(set) var completedAt = Revision.none
  @exclusivity(unchecked) var cursor: RecordCursor
  /// How much of the log may still be passed for this page; then it ends, however few events were found.
  @exclusivity(unchecked) var bytesLeft = FeedPage.bytesMax
  /// The next event has no room in it.
  @exclusivity(unchecked) var isFull = false

  /// A reader that asks for rare keys gets an answer after so much of the log. Its next request goes on from there.
  package static let bytesMax = 64 << 20
  /// Finding an old revision takes as long as reading about so much of the log, or longer in a large commit.
  static let lookupWork = 32 << 10
  /// Room for what stands around the events in a reply, the longest request id among it.
  static let tailBytes = 2 << 10
  static let lostBytes = 64

  init(_ query: FeedQuery, from cursor: RecordCursor) {
    self.query = query
    self.cursor = cursor
  }

  /// Where the next request goes on: behind all that was looked at, wanted or not.
  package var next: Revision { max(cursor.next, query.from) }

  package var isEmpty: Bool { count == 0 && lost.isEmpty }

  func note(_ gap: GapRecord) {
    let first = max(gap.first, query.from).value
    if first <= gap.last.value { lost.append(first...gap.last.value) }
  }

  /// What the reply's other parts take.
  var otherBytes: Int { FeedPage.tailBytes + lost.count * FeedPage.lostBytes }
}
