/// The commit tables of segments that are not written to any more, as many as there is room for; the ones that were
/// longest not used make way.
struct TableCache {
  private struct Kept {
    var table: CommitTable
    var lastUse: UInt64
  }

  private var kept: [SegmentNumber: Kept] = [:]
  private var uses: UInt64 = 0
  private let entriesMax: Int
  /// What is in use, with the share of a table itself.
  private var entries = 0

  init(entriesMax: Int) { self.entriesMax = entriesMax }

  mutating func table(of number: SegmentNumber) -> CommitTable? {
    guard let index = kept.index(forKey: number) else { return nil }
    uses += 1
    kept.values[index].lastUse = uses
    return kept.values[index].table
  }

  mutating func keep(_ table: CommitTable, of number: SegmentNumber) {
    drop(number)
    uses += 1
    kept[number] = Kept(table: table, lastUse: uses)
    entries += TableCache.cost(table)
    while entries > entriesMax, kept.count > 1, let oldest = kept.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      drop(oldest.key)
    }
  }

  private mutating func drop(_ number: SegmentNumber) {
    guard let old = kept.removeValue(forKey: number) else { return }
    entries -= TableCache.cost(old.table)
  }

  private static func cost(_ table: CommitTable) -> Int { table.entries.count + table.marks.count / 2 + 4 }
}
