/// Everything that can be told of a hub's state, to compare two ways of coming by it.
import Bytes
import Hub
import KeyIndex
import LogStore

struct Picture: Equatable {
  struct Live: Equatable {
    var key: String
    var revision: UInt64
    var kind: UInt8
    var expiry: Int64?
    var item: String
  }

  var revision: UInt64
  var checksum: String
  var live: [Live] = []
  /// Deleted keys with the revisions of their last events.
  var dead: [String: UInt64] = [:]
  var countByKind: [Int]
  var events: HubState.EventCounts
  var expiring: Int
  var requests: Int

  init(_ hub: MemoryHub) throws {
    revision = hub.state.revision.value
    checksum = hub.state.checksum.text
    countByKind = hub.state.countByKind
    events = hub.state.eventCounts
    expiring = hub.state.expiries.count
    requests = hub.rememberedRequests
    var entries: [(String, VersionEntry, Int64?)] = []
    var cursor = ScanCursor()
    while !cursor.isAtEnd {
      hub.state.index.scanChunk(&cursor, limit: 100) { key, value in
        entries.append((key.text(), VersionEntry(value), hub.state.expiries.expiry(of: key)))
      }
    }
    for (key, entry, expiry) in entries {
      var item = ByteBuffer()
      try hub.readItem(entry, into: &item)
      live.append(
        Live(
          key: key, revision: entry.revision.value, kind: entry.itemKind, expiry: expiry, item: item.bytes.text()))
    }
    cursor = ScanCursor()
    var buried: [String: UInt64] = [:]
    while !cursor.isAtEnd {
      hub.state.dead.scanChunk(&cursor, limit: 100) { buried[$0.text()] = VersionEntry($1).revision.value }
    }
    dead = buried
  }
}
