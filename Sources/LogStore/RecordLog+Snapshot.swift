/// What a snapshot needs of the log: the places that it speaks of, and a thread that writes it beside everything else.
internal import Threads

extension RecordLog {
  /// The snapshots of the store.
  package var snapshots: SnapshotStore { SnapshotStore(storage: storage) }

  /// Where the log begins.
  package var startPlace: LogPlace {
    LogPlace(segment: segments[0].number, offset: Layout.SegmentHeader.blockBytes)
  }

  /// Bytes of log behind a place, as far as segments are filled.
  package func bytes(behind place: LogPlace) -> Int {
    segments.reduce(0) { total, segment in
      guard segment.number >= place.segment else { return total }
      let start = segment.number == place.segment ? place.offset : Layout.SegmentHeader.blockBytes
      let isActive = segment.number == segments[activeIndex].number
      return total + max(0, (isActive ? end : Int(segment.header.capacity)) - start)
    }
  }

  /// Gives the snapshot's thread a moment.
  package func waitForSnapshot() { NamedThread.pause() }

  /// Where the log ends now, behind everything that was appended.
  package var endPlace: LogPlace { LogPlace(segment: segments[activeIndex].number, offset: end) }

  /// Begins a snapshot of the state that the log stands for before `place`, which comes behind revision `after`. One
  /// at a time; `endSnapshot` when its outcome is known.
  package func beginSnapshot(replayFrom place: LogPlace, after revision: Revision, now: Int64) -> SnapshotWriter {
    precondition(snapshotWriter == nil, "one snapshot is written at a time")
    let active = segments[activeIndex].header
    let head = SnapshotHead(
      store: active.store, lineage: active.lineage, nonce: .random(in: .min ... .max), replay: place,
      replayRevision: revision, createdAt: now)
    let writer = SnapshotWriter(
      storage: storage, head: head, usesThreads: options.usesThreads, onOutcome: onCompletion)
    snapshotWriter = writer
    snapshotThread = writer.start()
    return writer
  }

  /// Has the snapshot under way given up.
  package func cancelSnapshot() { snapshotWriter?.cancel() }

  /// Waits for the snapshot under way, if there is one.
  package func endSnapshot() {
    snapshotThread?.join()
    snapshotThread = nil
    snapshotWriter = nil
  }
}
