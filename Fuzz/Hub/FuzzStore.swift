/// A store with a few keys of every sort, made once and copied for every execution.
internal import Bytes
internal import FuzzLog
internal import FuzzSupport
@testable internal import Hub
@testable internal import LogStore

enum FuzzStore {
  /// The last revision in it.
  static let revision: UInt64 = 6

  private static let requests = [
    #"{"action":"put","key":"alpha","item":{"content":"a"},"agent_id":"g","request_id":"1"}"#,
    #"{"action":"put","key":"beta","item":{"content":{"n":1}},"ttl_seconds":60}"#,
    #"{"action":"put","key":"gamma","item":{"session_id":"s"}}"#,
    #"{"action":"put","key":"delta","item":{"knowledge_id":"k","title":"t","content":"c","category":"x"}}"#,
    #"{"action":"delete","key":"delta"}"#,
    #"{"action":"put","key":"alpha","item":{"content":"b"},"agent_id":"g","request_id":"2"}"#,
  ]

  /// What a hub that started from a snapshot is asked. Not for a list: the keys of a snapshot are trusted to be UTF-8, as
  /// the hub wrote them, and a change with a right checksum is told as it is.
  static let laterRequests = [
    #"{"action":"batch_get","keys":["alpha","beta","gamma","delta"]}"#,
    #"{"action":"put","key":"epsilon","item":{"content":"e"}}"#,
    #"{"action":"put","key":"alpha","item":{"content":"c"},"agent_id":"g","request_id":"2"}"#,
    #"{"action":"put","key":"delta","item":{"content":"d"},"ttl_seconds":9}"#,
    #"{"action":"delete","key":"gamma"}"#,
    #"{"action":"stats"}"#,
    checksumRequest,
  ]

  static let checksumRequest = #"{"action":"checksum"}"#

  /// The files of the store as it was closed, without snapshots; and the snapshot that was taken of it.
  private static let made = make()

  private static func make() -> (files: [(String, [UInt8])], snapshot: [UInt8]) {
    let disk = MemoryDisk()
    let session = RequestSession(disk)
    for request in requests { try? session.take(Array(request.utf8).span.bytes) }
    guard let hub = session.hub, hub.state.revision.value == revision, (try? hub.close()) != nil else {
      preconditionFailure("the store for fuzzing is made of sound requests")
    }
    var files: [(String, [UInt8])] = []
    var snapshot: [UInt8] = []
    for name in disk.names where name != StoreNames.lock {
      let bytes = disk.contents(name)
      if name.hasPrefix(StoreNames.snapshots) { snapshot = bytes } else { files.append((name, bytes)) }
    }
    return (files, snapshot)
  }

  static func disk() -> MemoryDisk {
    let disk = MemoryDisk()
    for (name, bytes) in made.files { disk.place(name, bytes.span.bytes.copy()) }
    return disk
  }

  static func snapshot() -> [UInt8] { made.snapshot }

  /// Bytes of the summary's payload: two kinds of items and one segment.
  static let summaryBytes = 72 + 3 * 16

  /// Makes a snapshot's head and last revision those of the store, so that a hub takes it.
  static func claim(_ file: inout ByteBuffer, _ disk: MemoryDisk) {
    let snapshot = made.snapshot
    for offset in Layout.Snapshot.store..<Layout.Snapshot.nonce {
      file.store(littleEndian: snapshot[offset], at: offset)
    }
  }
}
