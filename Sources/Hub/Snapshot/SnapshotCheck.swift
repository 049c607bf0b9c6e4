/// Reads a snapshot to its end without using it, and compares what it says of its revision with the log.
internal import Bytes
package import LogStore

package struct SnapshotCheck: Sendable {
  package let name: String
  package let revision: Revision
  /// The segments that it speaks of.
  package let generations: [SegmentGeneration]
  /// Live keys.
  package let keys: UInt64
  private let checksum: UInt128
  private let events: HubState.EventCounts
  private let countByKind: [UInt8: UInt64]

  /// Checks every byte of a snapshot.
  ///
  /// - Throws: `LogError`: `damaged` naming the file, `unsupported`, `io`.
  package init(_ reader: SnapshotReader) throws(LogError) {
    var found: SnapshotSummary?
    try reader.forEachBlock { (kind, _, payload) throws(FormatError) in
      if kind == SnapshotSection.summary.rawValue { found = try SnapshotSummary.decode(payload) }
    }
    guard let summary = found, summary.revision == reader.tail.revision else {
      throw LogError(.damaged, "\(reader.name): the summary is missing, or is of another revision than the tail's")
    }
    name = reader.name
    revision = summary.revision
    generations = summary.generations
    keys = summary.countByKind.values.reduce(0, +)
    checksum = summary.checksum
    events = summary.events
    countByKind = summary.countByKind
  }

  /// What the snapshot says otherwise than the log at its revision; nil when they agree.
  package func difference(from state: LogState) -> String? {
    let inLog = "the log at revision \(revision)"
    if state.checksum.sum != checksum {
      return "\(name): its state checksum is \(StateChecksum(sum: checksum).text), that of \(inLog) is "
        + state.checksum.text
    }
    if UInt64(state.keyCount) != keys { return "\(name): it has \(keys) keys, \(inLog) has \(state.keyCount)" }
    for (kind, count) in state.countByKind.enumerated() where UInt64(count) != countByKind[UInt8(kind)] ?? 0 {
      return "\(name): it has \(countByKind[UInt8(kind)] ?? 0) items of kind \(kind), \(inLog) has \(count)"
    }
    return events == state.eventCounts ? nil : "\(name): its counts of events are not those of \(inLog)"
  }
}
