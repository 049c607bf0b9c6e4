/// Reads the stream of reads of a store, in whatever state it is, for inspection. Nothing is changed, and a hub may be
/// writing to it.
internal import Bytes

package struct ReadStream {
  private let storage: any Storage
  private let store: StoreIdentity
  private var issues: (InspectionIssue) -> Void

  /// - Parameter issues: is given what is wrong, and what is worth a note.
  package init(_ inspection: StoreInspection, issues: @escaping (InspectionIssue) -> Void) {
    storage = inspection.storage
    store = inspection.store
    self.issues = issues
  }

  /// The numbers of the files that there are, in order.
  static func numbers(_ storage: any Storage) throws(StorageError) -> [ReadFileNumber] {
    do {
      return try storage.list(StoreNames.reads).compactMap(StoreNames.parseReads).sorted()
    } catch {
      if error.errno == PosixText.missing { return [] }
      throw error
    }
  }

  /// Where a record was found.
  package struct Place: Equatable, Sendable {
    package let file: ReadFileNumber
    package let offset: Int
  }

  /// Gives every sound record with its bytes, oldest first, until `visit` returns false.
  ///
  /// - Returns: whether there is a stream at all.
  @discardableResult package func read(
    newestFirst: Bool = false, _ visit: (ReadRecord, RawSpan, Place) -> Bool
  ) -> Bool {
    let numbers: [ReadFileNumber]
    do {
      numbers = try ReadStream.numbers(storage)
    } catch {
      issues(InspectionIssue(error))
      return true
    }
    for (left, right) in zip(numbers, numbers.dropFirst()) where left.next != right {
      issues(InspectionIssue(.damage, "\(StoreNames.reads(left.next)) is missing, with all reads that it told of"))
    }
    for number in newestFirst ? numbers.reversed() : numbers {
      let next = numbers.contains(number.next) ? number.next : nil
      let isNewest = number == numbers.last
      guard read(number, next: next, isNewest: isNewest, newestFirst: newestFirst, visit) else { break }
    }
    return !numbers.isEmpty
  }

  private func read(
    _ number: ReadFileNumber, next: ReadFileNumber?, isNewest: Bool, newestFirst: Bool,
    _ visit: (ReadRecord, RawSpan, Place) -> Bool
  ) -> Bool {
    var bytes = ByteBuffer(capacity: 64 << 10)
    let limit: Int?
    do throws(StorageError) {
      limit = try next.flatMap { next throws(StorageError) in try end(before: next) }
      try load(number, Layout.ReadFile.bytesMax, into: &bytes)
    } catch {
      // The hub has removed it meanwhile: the stream is bounded.
      if error.errno != PosixText.missing { issues(InspectionIssue(error)) }
      return true
    }
    return scan(bytes, number, limit: limit, isNewest: isNewest, newestFirst: newestFirst, visit)
  }

  private func load(
    _ number: ReadFileNumber, _ length: Int, into bytes: inout ByteBuffer
  ) throws(StorageError) {
    try storage.open(StoreNames.reads(number), writable: false).read(at: 0, length: length, into: &bytes)
  }

  /// How many bytes of the file before `next` count, if that says so.
  private func end(before next: ReadFileNumber) throws(StorageError) -> Int? {
    var bytes = ByteBuffer(capacity: Layout.ReadFile.size)
    try load(next, Layout.ReadFile.size, into: &bytes)
    guard let header = try? ReadFileHeader.decode(bytes.bytes), header.number == next, header.store == store,
      header.predecessorEnd > 0
    else { return nil }
    return Int(clamping: header.predecessorEnd)
  }

  private func scan(
    _ bytes: borrowing ByteBuffer, _ number: ReadFileNumber, limit: Int?, isNewest: Bool, newestFirst: Bool,
    _ visit: (ReadRecord, RawSpan, Place) -> Bool
  ) -> Bool {
    let seed = number.seed(of: store)
    let counted = bytes.bytes.extracting(0..<min(bytes.count, limit ?? bytes.count))
    let scan = ReadFileScan(counted, seed: seed)
    let isEmptyEnd = isNewest && scan.offsets.isEmpty && bytes.bytes.extracting(0..<min(bytes.count, 64)).isZero
    if !isEmptyEnd, let problem = headerProblem(bytes, number) {
      // A crash leaves a file shorter than its header; then there is nothing in it.
      let isTorn = scan.offsets.isEmpty && bytes.count < Layout.ReadFile.size
      issue(isTorn ? .note : .damage, problem, number, 0)
    }
    for range in scan.damages {
      issue(.damage, "\(range.count) bytes can not be read, with the reads that they told of", number, range.lowerBound)
    }
    tellEnd(scan, bytes.count, limit, number)
    for offset in newestFirst ? scan.offsets.reversed() : scan.offsets {
      let rest = bytes.bytes.extracting(offset..<bytes.count)
      guard let record = try? ReadRecord.decode(rest, seed: seed.at(offset)) else { continue }
      let place = Place(file: number, offset: offset)
      guard visit(record, rest.extracting(0..<record.recordBytes), place) else { return false }
    }
    return true
  }

  private func headerProblem(_ bytes: borrowing ByteBuffer, _ number: ReadFileNumber) -> String? {
    do {
      let header = try ReadFileHeader.decode(bytes.bytes)
      if header.store != store { return "it belongs to store \(header.store), not to this one (\(store))" }
      return header.number == number ? nil : "it is file \(header.number) under another's name"
    } catch {
      if case .unknownVersion(let version) = error {
        return "it is version \(version) of the stream, this program reads version \(Layout.ReadFile.formatVersion)"
      }
      return "the header can not be read: \(error.text)"
    }
  }

  private func tellEnd(_ scan: ReadFileScan, _ fileBytes: Int, _ limit: Int?, _ number: ReadFileNumber) {
    guard let limit else {
      guard fileBytes > scan.end else { return }
      issue(
        .note, "ends with \(fileBytes - scan.end) bytes that are no record: how a crash leaves it", number, scan.end)
      return
    }
    guard limit > scan.end else { return }
    issue(.damage, "\(limit - scan.end) bytes are lost, with the reads that they told of", number, scan.end)
  }

  private func issue(_ kind: InspectionIssue.Kind, _ message: String, _ number: ReadFileNumber, _ offset: Int) {
    issues(InspectionIssue(kind, "\(StoreNames.reads(number)) offset \(offset): \(message)"))
  }
}
