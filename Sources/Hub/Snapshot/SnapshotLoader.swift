/// Builds a hub's state from a snapshot. What it gives still has to be brought up to date from the log.
internal import Bytes
internal import KeyIndex
internal import LogStore

struct LoadedSnapshot {
  let name: String
  let head: SnapshotHead
  let summary: SnapshotSummary
  let state: HubState
  let requests: RequestMemory
}

final class SnapshotLoader {
  private let reader: SnapshotReader
  private let limits: HubLimits
  private var live = KeyTreeBuilder()
  private var dead = KeyTreeBuilder()
  private let expiries = ExpiryQueue()
  private var requests: RequestMemory
  private var summary: SnapshotSummary?
  private var run = KeyRunDecoder()

  init(_ reader: SnapshotReader, limits: HubLimits) {
    self.reader = reader
    self.limits = limits
    requests = RequestMemory(countMax: limits.rememberedRequests, ageMaxMicroseconds: limits.rememberedMicroseconds)
  }

  /// - Throws: `LogError`: `damaged` naming the file, `io`. Then the loader is of no further use.
  consuming func load() throws(LogError) -> LoadedSnapshot {
    try reader.forEachBlock { (kind, count, payload) throws(FormatError) in
      try take(kind, count, payload)
    }
    guard let summary else {
      throw LogError(.damaged, "\(reader.name): the summary is missing")
    }
    guard summary.revision == reader.tail.revision else {
      throw LogError(.damaged, "\(reader.name): the summary is of revision \(summary.revision), not of the tail's")
    }
    requests.seed = summary.requestSeed
    let state = HubState(
      deadKeysMax: limits.deadKeys, index: live.takeTree(), dead: dead.takeTree(), expiries: expiries)
    return LoadedSnapshot(
      name: reader.name, head: reader.head, summary: summary, state: state, requests: requests)
  }

  private func take(_ kind: UInt32, _ count: Int, _ payload: RawSpan) throws(FormatError) {
    // Kinds that a later version adds are passed over, if its feature flags let us read the file at all.
    guard let section = SnapshotSection(rawValue: kind) else { return }
    switch section {
    case .live:
      try run.forEach(in: payload, count: count, hasExpiry: { VersionEntry($0).mayExpire }) {
        (key, value, expiry) throws(FormatError) in
        try SnapshotLoader.append(key, value, to: &live)
        if let expiry { expiries.set(key, expiry: expiry) }
      }
    case .dead:
      try run.forEach(in: payload, count: count, hasExpiry: { _ in false }) { (key, value, _) throws(FormatError) in
        try SnapshotLoader.append(key, value, to: &dead)
      }
    case .requests:
      try RememberedRequest.forEach(in: payload, count: count) { requests.remember($0.name, $0.remembered) }
    case .summary: summary = try SnapshotSummary.decode(payload)
    }
  }

  private static func append(
    _ key: RawSpan, _ value: IndexValue, to builder: inout KeyTreeBuilder
  ) throws(FormatError) {
    do {
      try builder.append(key, value)
    } catch {
      throw FormatError.badField("key")
    }
  }
}
