/// Decides events anew in a history without some agents' events. Theirs become void; those of others stay what they are
/// where they still make sense. See docs/decisions/0025-point-in-time-recovery.md.
internal import Bytes
internal import Hub
internal import LogStore

struct AgentExclusion {
  private let agents: [[UInt8]]
  /// Keys of which some event is not what it was: nothing can be said of their later events without deciding.
  private var touched: Set<KeyHash> = []

  init(_ agents: [String]) { self.agents = agents.map { Array($0.utf8) } }

  /// What an event becomes where its key is as `known` says; nil: it stays as it is.
  mutating func decide(_ header: RecordHeader, _ record: RawSpan, _ known: LogState.KeyState) -> RecordFields? {
    let agent = record.extracting(header.agentRange)
    let key = KeyHash(record.extracting(header.keyRange))
    if agents.contains(where: { agent.equals($0.span.bytes) }) {
      touched.insert(key)
      return void(header.fields)
    }
    return touched.contains(key) ? redecide(header.fields, known) : nil
  }

  private func redecide(_ given: RecordFields, _ known: LogState.KeyState) -> RecordFields {
    var fields = given
    fields.previousRevision = known.revision
    // Links over several events may lead to one that is void: as in version 1, there are none.
    fields.skipRevision = .none
    fields.depth = 0
    switch fields.operation {
    case .create, .update: fields.operation = known.isLive ? .update : .create
    case .delete: if !known.isLive { return void(given) }
    case .expire:
      // Another version expired, perhaps: this one may have to live longer, or for ever.
      if !known.isLive || known.expiry == 0 || known.expiry > fields.time { return void(given) }
    case .void, .dropped, .epoch, .gap, .redaction: break
    }
    return fields
  }

  /// The event without its effect: who, when and what for stay. No link leads to it, and none from it.
  private func void(_ fields: RecordFields) -> RecordFields {
    var void = RecordFields(operation: .void, revision: fields.revision, time: fields.time)
    void.continues = fields.continues
    return void
  }
}
