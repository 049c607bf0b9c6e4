/// Building the state when a hub opens: from a snapshot, if there is one, and the log behind it.
internal import Bytes
internal import LogStore

extension MemoryHub {
  /// Reads the log. Records that the snapshot may have seen are patched in; from its revision on they count.
  func rebuild(from loaded: LoadedSnapshot?) throws(LogError) {
    let start = loaded?.head.replay ?? log.startPlace
    let known = loaded?.head.replayRevision ?? .none
    let oldestRemembered = clock.now() - limits.rememberedMicroseconds
    var isPatching = loaded != nil
    var commitStart = Revision.none
    var newest = known
    var continues = false
    var buffer = ByteBuffer(capacity: 4_096)
    try log.replay(from: start, after: known) { (header, position, record) throws(LogError) in
      let fields = header.fields
      if isPatching, let loaded, fields.revision > loaded.summary.revision {
        state.settle(loaded.summary)
        isPatching = false
      }
      let key = record.extracting(header.keyRange)
      if isPatching {
        try state.patch(header, at: position, key: key)
      } else {
        try state.apply(header, at: position, key: key) { (replaced) throws(LogError) in
          if let redacted = redactions.stateHash(replaced.revision) { return redacted }
          return try log.readHeader(at: replaced.position, into: &buffer).fields.stateHash
        }
      }
      newest = max(newest, fields.revision)
      if fields.operation == .redaction {
        // One that comes before the snapshot's revision was finished before that was taken.
        guard !isPatching || loaded.map({ newest >= $0.summary.revision }) ?? true else { return }
        if isPatching, let loaded { state.settle(loaded.summary) }
        isPatching = false
        return try applyRedaction(header, record)
      }
      if !continues { commitStart = fields.revision }
      continues = fields.continues
      // A write that was left out is done anew when it comes again.
      guard fields.operation != .void, fields.operation != .dropped, header.requestBytes > 0, header.agentBytes > 0,
        fields.time >= oldestRemembered
      else { return }
      let request = requestHash(
        agent: record.extracting(header.agentRange), request: record.extracting(header.requestRange))
      if fields.revision <= known {
        requests.move(request, revision: fields.revision, to: position)
      } else {
        note(request, fields, position, commitStart: commitStart, ticket: 0)
      }
    }
    if isPatching, let loaded { state.settle(loaded.summary) }
    snapshots.noteOpened(loaded, logBytesBehind: log.bytes(behind: start))
  }
}
