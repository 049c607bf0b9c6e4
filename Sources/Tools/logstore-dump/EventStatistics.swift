/// What `--stats` tells of the events that pass the filters.
internal import Bytes
internal import Hub
internal import LogStore

final class EventStatistics: EventSink {
  struct Tally {
    let name: String
    var events: UInt64
  }

  /// What one agent wrote.
  struct Agent {
    let name: String
    private(set) var events: UInt64 = 0
    /// Of the items, before any packing.
    private(set) var payloadBytes: UInt64 = 0
    private(set) var firstTime: Int64
    private(set) var lastTime: Int64
    /// How many items of each kind; deletions and expiries have none.
    private var byKind: [UInt8: UInt64] = [:]

    init(name: String, time: Int64) {
      self.name = name
      (firstTime, lastTime) = (time, time)
    }

    mutating func take(_ header: RecordHeader) {
      events += 1
      payloadBytes += UInt64(header.plainBytes)
      firstTime = min(firstTime, header.fields.time)
      lastTime = max(lastTime, header.fields.time)
      if header.fields.operation.isPut { byKind[header.fields.itemKind, default: 0] += 1 }
    }

    /// By their numbers in the log. One that this version does not know is told by that.
    var kinds: [Tally] {
      byKind.sorted { $0.key < $1.key }.map {
        Tally(name: ItemKind(rawValue: $0.key).map { "\($0.name)" } ?? "kind \($0.key)", events: $0.value)
      }
    }
  }

  let wantsPreviousItem = false
  let wantsEveryRecord = true
  private(set) var events: UInt64 = 0
  private(set) var epochRecords: UInt64 = 0
  /// Events that the retention has let go: all that is left of one is its revision and its leaf.
  private(set) var dropped: UInt64 = 0
  private(set) var payloadBytes: UInt64 = 0
  private(set) var first: RecordFields?
  private(set) var last: RecordFields?
  private var byOperation = [UInt64](repeating: 0, count: 256)
  private var agents: [Agent] = []
  private var agentIndex: [UInt64: Int] = [:]
  /// Hashes of the keys: 8 bytes each. Two keys with one hash, a matter of 1 in 2^64 for each pair, count as one.
  private var keys: Set<UInt64> = []
  private let finished: (EventStatistics) -> Void

  init(finished: @escaping (EventStatistics) -> Void) { self.finished = finished }

  func emit(_ record: InspectedRecord, _ bytes: RawSpan, previousItem: RawSpan) {
    let header = record.header
    guard header.fields.operation.takesRevision else {
      if header.fields.operation == .epoch { epochRecords += 1 }
      return
    }
    if header.fields.operation == .dropped {
      dropped += 1
      return
    }
    events += 1
    if first == nil { first = header.fields }
    last = header.fields
    payloadBytes += UInt64(header.plainBytes)
    byOperation[Int(header.fields.operation.rawValue)] += 1
    keys.insert(Checksum.xxh3(bytes.extracting(header.keyRange), seed: 0))
    agents[index(of: bytes.extracting(header.agentRange), header)].take(header)
  }

  private func index(of agent: RawSpan, _ header: RecordHeader) -> Int {
    let hash = Checksum.xxh3(agent, seed: 0)
    if let index = agentIndex[hash] { return index }
    agentIndex[hash] = agents.count
    agents.append(Agent(name: agent.text(), time: header.fields.time))
    return agents.count - 1
  }

  func finish() { finished(self) }

  var keyCount: Int { keys.count }

  /// All event types of the log, in their order there.
  var types: [Tally] {
    Operation.allCases.filter { $0.takesRevision && $0 != .dropped }.map {
      Tally(name: $0.eventType, events: byOperation[Int($0.rawValue)])
    }
  }

  /// Busiest first; no name stands for events without an agent.
  var agentsByEvents: [Agent] {
    agents.sorted { ($1.events, $0.name) < ($0.events, $1.name) }
  }
}
