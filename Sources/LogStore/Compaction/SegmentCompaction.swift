/// Puts a packed segment in the place of a plain one, beside everything else. A crash at any moment leaves the old state
/// or the new one, and at the most a file that the next opening sweeps.
internal import Bytes
internal import Synchronization
internal import Threads

/// What a compaction of one segment came to.
package struct CompactedSegment: Sendable {
  package let segment: SegmentFile
  package let bytesBefore: Int
  package let bytesAfter: Int
  /// The file whose place it took, when that could not be removed.
  package let leftover: String?
}

package final class SegmentCompaction: Sendable {
  package enum Outcome: Sendable {
    case working
    case done(CompactedSegment)
    case failed(LogError)
  }

  package let source: SegmentFile
  /// What is taken out of the records on the way.
  let edits: RecordEdits
  private let limit: UInt64?
  private let storage: any Storage
  private let bytesPerSecond: Int
  private let replace: @Sendable (SegmentFile) throws(StorageError) -> Void
  private let onOutcome: @Sendable () -> Void
  private let outcomeBox = Monitor(Outcome.working)
  private let isCancelled = Atomic<Bool>(false)
  private let passed = Atomic<Int>(0)

  /// - Parameters:
  ///   - source: sealed, or cut by a recovery at byte `limit`; plain, or packed before.
  ///   - bytesPerSecond: of the source; 0 for as fast as can be.
  ///   - replace: lists the new segment in the manifest instead of the old one.
  init(
    _ source: SegmentFile, limit: UInt64?, _ edits: RecordEdits, storage: any Storage, bytesPerSecond: Int,
    replace: @escaping @Sendable (SegmentFile) throws(StorageError) -> Void, onOutcome: @escaping @Sendable () -> Void
  ) {
    self.source = source
    self.limit = limit
    self.edits = edits
    self.storage = storage
    self.bytesPerSecond = bytesPerSecond
    self.replace = replace
    self.onOutcome = onOutcome
  }

  package var outcome: Outcome { outcomeBox.with { $0 } }

  /// How much of the work is done, from 0 to 1: the segment is read twice.
  package var progress: Double {
    min(1, Double(passed.load(ordering: .relaxed)) / Double(2 * max(limit ?? source.header.capacity, 1)))
  }

  /// Gives up as soon as can be; what was written is removed.
  package func cancel() { isCancelled.store(true, ordering: .relaxed) }

  func run() {
    let result: Outcome
    do throws(LogError) { result = .done(try compact()) } catch { result = .failed(error) }
    outcomeBox.with(waking: true) { $0 = result }
    onOutcome()
  }

  private func compact() throws(LogError) -> CompactedSegment {
    guard source.header.generation < StoreNames.generationMax else {
      throw LogError(.unsupported, "it has been written anew too often to be so once more", segment: source.number)
    }
    var header = source.header
    header.packedFrom = header.packedFrom ?? header.generation
    header.generation += 1
    // Only this version knows emptied records.
    if !edits.isEmpty { header.version = Layout.formatVersion }
    let name = StoreNames.segment(header.number, generation: header.generation)
    let temporary = name + StoreNames.temporarySuffix
    let (file, size) = try write(header, temporary)
    let packed = SegmentFile(header: header, file: file)
    do {
      try storage.rename(temporary, to: name)
      // The directory is synced too: without it a crash can lose the new file's name, and then the manifest lists it.
      try storage.syncDirectory(StoreNames.segments)
      try replace(packed)
    } catch {
      throw LogError(error)
    }
    let bytesBefore = source.storedBytes
    return CompactedSegment(
      segment: packed, bytesBefore: bytesBefore, bytesAfter: size, leftover: removeSource() ? nil : oldName)
  }

  private func write(_ header: SegmentHeader, _ temporary: String) throws(LogError) -> (any StorageFile, Int) {
    let file: any StorageFile
    do {
      try storage.removeIfThere(temporary)
      // Asked beforehand, a full disk need not be filled to the last byte to find out. Half is more than it takes.
      try storage.expectSpace(for: temporary, bytes: header.capacity / 2)
      file = try storage.create(temporary)
    } catch {
      throw LogError(error)
    }
    do throws(LogError) {
      var pacer = Pacer(bytesPerSecond: bytesPerSecond)
      var packer = SegmentPacker(source, limit: limit, to: file, header, edits) { [self] (bytes) throws(LogError) in
        passed.add(bytes, ordering: .relaxed)
        guard !isCancelled.load(ordering: .relaxed) else { throw LogError(.busy, "the compaction was given up") }
        pacer.pass(bytes)
      }
      return (file, try packer.pack())
    } catch {
      // An unfinished file that can not be removed now is swept when the store is opened.
      try? storage.remove(temporary)
      throw error
    }
  }

  private var oldName: String { StoreNames.segment(source.number, generation: source.header.generation) }

  /// The manifest does not list it any more. What can not be removed now is swept when the store is opened.
  private func removeSource() -> Bool {
    guard (try? storage.remove(oldName)) != nil else { return false }
    return (try? storage.syncDirectory(StoreNames.segments)) != nil
  }
}

/// Holds work back to so many bytes a second.
struct Pacer {
  private let bytesPerSecond: Int
  private let start = ContinuousClock.now
  private var bytes = 0

  init(bytesPerSecond: Int) { self.bytesPerSecond = bytesPerSecond }

  mutating func pass(_ count: Int) {
    guard bytesPerSecond > 0 else { return }
    bytes += count
    let due = start + .seconds(Double(bytes) / Double(bytesPerSecond))
    while ContinuousClock.now < due { NamedThread.pause() }
  }
}
