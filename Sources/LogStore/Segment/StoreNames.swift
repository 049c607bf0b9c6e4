/// The names inside a store's directory. A name carries nothing that the inside of the file does not repeat.
package enum StoreNames {
  package static let lock = "LOCK"
  package static let manifests = ["MANIFEST-A", "MANIFEST-B"]
  package static let segments = "segments"
  /// The manifest that a salvage has decided on, until all that it lists has its place.
  package static let salvageManifest = "MANIFEST-SALVAGE"
  /// Where a salvage moves damaged files to.
  package static let quarantine = "quarantine"
  /// Says that a store is being made here and is not whole yet.
  package static let unfinished = "UNFINISHED"
  /// What is still being written; swept when the store is opened.
  package static let temporarySuffix = ".tmp"
  private static let segmentSuffix = ".seg"
  private static let numberDigits = 10
  private static let generationDigits = 4
  package static let generationMax: UInt32 = 9_999
  /// The generation, or the next one, of the segment that a backup ends with: far from those that rewriting counts up to.
  static let backupEndGeneration: UInt32 = 5_000

  package static func segment(_ number: SegmentNumber, generation: UInt32) -> String {
    "\(segments)/\(segmentFile(number, generation: generation))"
  }

  /// The same without its directory.
  static func segmentFile(_ number: SegmentNumber, generation: UInt32) -> String {
    "\(padded(number.value, numberDigits))-\(padded(generation, generationDigits))\(segmentSuffix)"
  }

  /// The number and generation that a file name stands for; nil when it is not a segment's name.
  package static func parseSegment(_ name: String) -> (number: SegmentNumber, generation: UInt32)? {
    guard name.hasSuffix(segmentSuffix) else { return nil }
    let parts = name.dropLast(segmentSuffix.count).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].utf8.count == numberDigits, parts[1].utf8.count == generationDigits,
      let digits = UInt64(parts[0]), let number = SegmentNumber(stored: digits), let generation = UInt32(parts[1]),
      segment(number, generation: generation) == "\(segments)/\(name)"  // "+1" is a number too
    else { return nil }
    return (number, generation)
  }

  // MARK: Snapshots

  package static let snapshots = "snapshots"
  /// Added to the name of what was found damaged and moved aside.
  package static let damagedSuffix = ".damaged"
  private static let snapshotSuffix = ".snap"
  private static let revisionDigits = 20
  static let snapshotTemporary = "\(snapshots)/next\(snapshotSuffix)\(temporarySuffix)"

  package static func snapshot(_ revision: Revision) -> String {
    "\(snapshots)/\(padded(revision.value, revisionDigits))\(snapshotSuffix)"
  }

  /// The revision that a file name stands for; nil when it is not a snapshot's name.
  package static func parseSnapshot(_ name: String) -> Revision? {
    guard name.hasSuffix(snapshotSuffix) else { return nil }
    let digits = name.dropLast(snapshotSuffix.count)
    guard digits.utf8.count == revisionDigits, let value = UInt64(digits) else { return nil }
    return Revision(value)
  }

  // MARK: Stream of reads

  package static let reads = "reads"
  private static let readsSuffix = ".reads"

  package static func reads(_ number: ReadFileNumber) -> String {
    "\(reads)/\(padded(number.value, numberDigits))\(readsSuffix)"
  }

  /// The number that a file name stands for; nil when it is not one of the stream's.
  package static func parseReads(_ name: String) -> ReadFileNumber? {
    guard name.hasSuffix(readsSuffix) else { return nil }
    // The last number is left out, so that there is always a next.
    guard let value = UInt32(name.dropLast(readsSuffix.count)), value > 0, value < .max,
      reads(ReadFileNumber(value)) == "\(reads)/\(name)"
    else { return nil }
    return ReadFileNumber(value)
  }

  // MARK: Temporary files

  /// Whether a name is that of a file which this store was still writing; other people's files are left alone.
  package static func isTemporary(_ name: String, in directory: String) -> Bool {
    guard name.hasSuffix(temporarySuffix) else { return false }
    let whole = String(name.dropLast(temporarySuffix.count))
    return switch directory {
    case segments: parseSegment(whole) != nil
    case snapshots: "\(snapshots)/\(name)" == snapshotTemporary
    default: manifests.contains(whole) || whole == salvageManifest
    }
  }

  private static func padded<Value: UnsignedInteger>(_ value: Value, _ digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}
