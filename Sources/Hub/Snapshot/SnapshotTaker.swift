/// Takes a snapshot of the hub's state while writes go on: a few keys a turn, so that no request waits for it.
///
/// The keys are read chunk by chunk, each as it is at that moment. What has changed since the first chunk is in the log
/// behind the place at which the snapshot began, and is read from there when the snapshot is loaded. The counts and the
/// checksum are those of the moment at which the last chunk was read.
internal import Bytes
internal import KeyIndex
internal import LogStore

final class SnapshotTaker {
  enum Progress {
    /// There is more to do at once.
    case busy
    /// It waits for the disk.
    case waiting
    case done(revision: Revision, bytes: Int)
    case failed(LogError)
  }

  private enum Stage {
    case live(ScanCursor)
    case dead(ScanCursor)
    case requests(Int)
    case summary
    case undurable(Revision, Int64)
    case finishing
  }

  private let writer: SnapshotWriter
  private let through: Revision
  private var stage = Stage.live(ScanCursor())

  /// Keys read in one turn, and so in one block: about 50 microseconds of the request loop.
  private static let chunkKeys = 1_024

  /// - Parameters:
  ///   - writer: of the log's new snapshot.
  ///   - through: the revision up to which the state holds everything; what comes later is read from the log.
  init(writer: SnapshotWriter, through: Revision) {
    self.writer = writer
    self.through = through
  }

  /// One turn.
  func step(_ hub: MemoryHub) -> Progress {
    switch writer.outcome {
    case .done(let revision, let bytes): return .done(revision: revision, bytes: bytes)
    case .failed(let error): return .failed(error)
    case .writing: break
    }
    switch stage {
    case .finishing: return .waiting
    case .undurable(let revision, let time):
      guard hub.log.durableThrough >= revision else { return .waiting }
      stage = .finishing
      writer.finish(revision: revision, time: time)
      return .busy
    case .live, .dead, .requests, .summary:
      guard writer.hasRoom else { return .waiting }
      advance(hub)
      return .busy
    }
  }

  private func advance(_ hub: MemoryHub) {
    switch stage {
    case .live(var cursor):
      writer.append(SnapshotTaker.chunk(.live, hub.state.index, &cursor, hub.state.expiries))
      stage = cursor.isAtEnd ? .dead(ScanCursor()) : .live(cursor)
    case .dead(var cursor):
      writer.append(SnapshotTaker.chunk(.dead, hub.state.dead, &cursor, nil))
      stage = cursor.isAtEnd ? .requests(0) : .dead(cursor)
    case .requests(var cursor):
      let block = SnapshotBlock(kind: SnapshotSection.requests.rawValue)
      let isAtEnd = hub.requests.forEach(from: &cursor, limit: SnapshotTaker.chunkKeys) { name, remembered in
        guard remembered.revision <= through else { return }
        RememberedRequest(name: name, remembered: remembered).encode(into: block)
      }
      writer.append(block)
      stage = isAtEnd ? .summary : .requests(cursor)
    case .summary:
      writer.append(hub.snapshotSummary().encode())
      stage = .undurable(hub.state.revision, hub.log.lastTime)
      hub.log.requestSync()
    case .undurable, .finishing: preconditionFailure("these stages wait for the disk")
    }
  }

  private static func chunk(
    _ section: SnapshotSection, _ tree: KeyTree, _ cursor: inout ScanCursor, _ expiries: ExpiryQueue?
  ) -> SnapshotBlock {
    let block = SnapshotBlock(kind: section.rawValue)
    var run = KeyRunEncoder()
    tree.scanChunk(&cursor, limit: chunkKeys) { key, value in
      // A key that may expire is in the queue of those that do.
      let expiry = VersionEntry(value).mayExpire ? expiries?.expiry(of: key) : nil
      run.append(key, value, expiry: expiry, to: &block.payload)
      block.count += 1
    }
    return block
  }
}
