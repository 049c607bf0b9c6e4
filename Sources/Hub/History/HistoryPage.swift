/// What one page of a key's history tells of.
package import LogStore

package struct HistoryPage {
  package internal(set) var count = 0
  package internal(set) var newest = Revision.none
  package internal(set) var oldest = Revision.none
  package internal(set) var hasMore = false

  package init() {}

  /// One more event, older than those before.
  mutating func note(_ revision: Revision) {
    if count == 0 { newest = revision }
    oldest = revision
    count += 1
  }
}
