/// A file twice: as processes see it, and as a power cut would leave it.
internal import Bytes
package struct FileImage: Sendable {
  /// What reads give: the page cache.
  package var cached: [UInt8] = []
  /// What is on the disk.
  package private(set) var durable: [UInt8] = []
  /// The pages that differ or may differ, and when each was written last.
  private var dirty: [Int: UInt64] = [:]

  private static let pageBytes = LossUnit.page.rawValue

  package init() {}

  /// A file that was there before the disk's time.
  package init(durable bytes: [UInt8]) {
    cached = bytes
    durable = bytes
  }

  package mutating func write(_ bytes: RawSpan, at offset: Int, sequence: UInt64) {
    let end = offset + bytes.byteCount
    if cached.count < end { cached.append(contentsOf: repeatElement(0, count: end - cached.count)) }
    cached.replaceSubrange(offset..<end, with: bytes.array())
    for page in (offset / FileImage.pageBytes)..<((end + FileImage.pageBytes - 1) / FileImage.pageBytes) {
      dirty[page] = sequence
    }
  }

  package mutating func sync() {
    resizeDurable(cached.count)
    for page in dirty.keys { persist(range(page)) }
    dirty.removeAll()
  }

  /// A sync that failed. The pages count as written from now on, and are not: as Linux does it. Reads still show them,
  /// until a power cut.
  package mutating func failSync() { dirty.removeAll() }

  private mutating func resizeDurable(_ count: Int) {
    if durable.count < count {
      durable.append(contentsOf: repeatElement(0, count: count - durable.count))
    } else {
      durable.removeLast(durable.count - count)
    }
  }

  private func range(_ page: Int) -> Range<Int> {
    let start = page * FileImage.pageBytes
    return start..<min(start + FileImage.pageBytes, cached.count)
  }

  private mutating func persist(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    durable.replaceSubrange(range, with: cached[range])
  }

  // MARK: Power

  /// Takes the power away. `cut` is the write from which on everything persists when they are reordered.
  mutating func lose(_ mode: LossMode, unit: LossUnit, cut: UInt64, _ random: inout SplitMix) {
    switch mode {
    case .none: sync()
    case .all: break
    case .randomSubset: keep(unit, &random) { _, random in Bool.random(using: &random) }
    case .reordered: keep(unit, &random) { sequence, _ in sequence >= cut }
    case .metadataOnly: resizeDurable(cached.count)
    }
    cached = durable
    dirty.removeAll()
  }

  private mutating func keep(
    _ unit: LossUnit, _ random: inout SplitMix, _ isKept: (UInt64, inout SplitMix) -> Bool
  ) {
    var kept: [Range<Int>] = []
    for (page, sequence) in dirty.sorted(by: { $0.key < $1.key }) {
      let page = range(page)
      for start in stride(from: page.lowerBound, to: page.upperBound, by: unit.rawValue)
      where isKept(sequence, &random) {
        kept.append(start..<min(start + unit.rawValue, page.upperBound))
      }
    }
    let hasSize = Bool.random(using: &random)
    let needed = kept.map(\.upperBound).max() ?? 0
    if hasSize || needed > durable.count { resizeDurable(hasSize ? cached.count : needed) }
    for range in kept { persist(range) }
  }

  /// Changes bytes behind everybody's back, on the disk and in the cache.
  package mutating func tamper(_ change: (inout [UInt8]) -> Void) {
    change(&cached)
    durable = cached
    dirty.removeAll()
  }
}
