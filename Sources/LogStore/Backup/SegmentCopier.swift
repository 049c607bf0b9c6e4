/// Copies one segment of a store for a backup, up to a revision, and reads the copy back.
internal import Bytes

/// How much of a segment belongs to a backup.
struct SegmentCut: Equatable {
  /// The byte behind the last frame.
  var end: Int
  var lastRevision: Revision
  var time: Int64
  /// All of the segment up to its seal.
  var isSealed: Bool
}

struct SegmentCopier {
  let segment: SegmentFile
  /// The byte at which a recovery has cut the segment; 0 when it has not.
  private let cut: Int
  /// The last revision before the segment.
  private let after: Revision
  private let revision: Revision
  private let target: any Storage

  private static let pieceBytes = 4 << 20

  init(_ segment: SegmentFile, cut: Int, after: Revision, revision: Revision, _ target: any Storage) {
    self.segment = segment
    self.cut = cut
    self.after = after
    self.revision = revision
    self.target = target
  }

  private var name: String { StoreNames.segment(segment.number, generation: segment.header.generation) }

  // MARK: What is there

  /// What an earlier backup has, if that is all of the segment and sound; nil when it has to be copied.
  func existing() -> SegmentCut? {
    guard
      let copy = try? SegmentFile.open(
        segment.number, generation: segment.header.generation, store: segment.header.store, storage: target,
        writable: false),
      copy.header == segment.header, let size = try? copy.file.size(), size == segment.header.capacity,
      let scan = try? scan(copy), isWhole(scan), isSameEnd(scan, copy)
    else { return nil }
    return SegmentCut(
      end: scan.end, lastRevision: scan.lastRevision, time: scan.lastTime, isSealed: scan.stop == .sealed)
  }

  /// Whether the segment ends here: with its seal, or where a recovery has cut it.
  private func isWhole(_ scan: SegmentScan) -> Bool { cut == 0 ? scan.stop == .sealed : scan.end == cut }

  /// Whether source and copy have the same last frame: with the same header, and checksums all through, they are the same.
  private func isSameEnd(_ scan: SegmentScan, _ copy: SegmentFile) -> Bool {
    guard let frame = scan.lastFrame else { return true }
    var mine = ByteBuffer(capacity: frame.frameBytes)
    var its = ByteBuffer(capacity: frame.frameBytes)
    let start = UInt64(scan.end - frame.frameBytes)
    guard (try? segment.file.read(at: start, length: frame.frameBytes, into: &mine)) != nil,
      (try? copy.file.read(at: start, length: frame.frameBytes, into: &its)) != nil
    else { return false }
    return SegmentCopier.equal(mine, its)
  }

  private static func equal(_ left: borrowing ByteBuffer, _ right: borrowing ByteBuffer) -> Bool {
    left.bytes.equals(right.bytes)
  }

  private func scan(_ file: SegmentFile, limit: Int? = nil) throws(LogError) -> SegmentScan {
    let limit = limit ?? (cut == 0 ? nil : cut)
    var scanner = SegmentScanner(file, limit: limit.map { UInt64($0) })
    return try scanner.scan(after: after) { (_, _, _) throws(LogError) in }
  }

  // MARK: Copying

  func copy() throws(StoreBackup.Failure) -> SegmentCut {
    let cut = try measure()
    let temporary = name + StoreNames.temporarySuffix
    do throws(LogError) {
      if let packed = segment.packed, isWhole(cut) {
        try check(cut, SegmentFile(header: segment.header, file: try writeStored(packed, to: temporary)))
      } else {
        try check(cut, SegmentFile(header: plainHeader, file: try write(cut, to: temporary)))
      }
    } catch {
      throw .target(error)
    }
    do {
      try target.rename(temporary, to: name)
    } catch {
      throw .target(LogError(error))
    }
    return cut
  }

  /// Whether something of the segment belongs to the backup.
  func hasRecords() throws(StoreBackup.Failure) -> Bool { try measure().end > Layout.SegmentHeader.blockBytes }

  /// Reads the source and finds where the revision ends in it.
  private func measure() throws(StoreBackup.Failure) -> SegmentCut {
    var found = SegmentCut(end: Layout.SegmentHeader.blockBytes, lastRevision: after, time: 0, isSealed: false)
    var isInside = false
    let scan: SegmentScan
    do {
      var scanner = SegmentScanner(segment, limit: cut == 0 ? nil : UInt64(cut))
      scan = try scanner.scan(after: after) { (header, offset, _) throws(LogError) in
        if header.lastRevision <= revision {
          found = SegmentCut(
            end: offset + header.frameBytes, lastRevision: header.lastRevision, time: header.time,
            isSealed: header.kind == .seal)
        } else if header.firstRevision <= revision {
          isInside = true
        }
      }
    } catch {
      throw .source(error)
    }
    if isInside { throw .moved("revision \(revision) is not the last one of its commit any more") }
    if found.lastRevision < revision, !isWhole(scan) {
      throw .source(
        LogError(
          .damaged, "the log can be read up to revision \(scan.lastRevision) only", segment: segment.number,
          offset: UInt64(scan.end)))
    }
    return found
  }

  private func isWhole(_ cut: SegmentCut) -> Bool { self.cut == 0 ? cut.isSealed : cut.end == self.cut }

  /// That of a copy with plain bytes: a part of a packed segment is not packed any more.
  private var plainHeader: SegmentHeader {
    var header = segment.header
    header.packedFrom = nil
    return header
  }

  /// Copies a packed segment as it is stored.
  private func writeStored(_ packed: PackedFile, to temporary: String) throws(LogError) -> any StorageFile {
    do {
      let size = Int(clamping: try packed.storedBytes())
      try target.removeIfThere(temporary)
      try target.expectSpace(for: temporary, bytes: UInt64(size))
      let file = try target.create(temporary)
      var piece = ByteBuffer(capacity: min(SegmentCopier.pieceBytes, size))
      for offset in stride(from: 0, to: size, by: SegmentCopier.pieceBytes) {
        piece.removeAll()
        try packed.readStored(at: UInt64(offset), length: min(SegmentCopier.pieceBytes, size - offset), into: &piece)
        try file.write(piece.bytes, at: UInt64(offset))
      }
      try file.sync()
      return file
    } catch {
      throw LogError(error)
    }
  }

  private func write(_ cut: SegmentCut, to temporary: String) throws(LogError) -> any StorageFile {
    do {
      try target.removeIfThere(temporary)
      try target.expectSpace(for: temporary, bytes: segment.header.capacity)
      let file = try target.create(temporary)
      let capacity = Int(segment.header.capacity)
      var piece = ByteBuffer(capacity: min(SegmentCopier.pieceBytes, capacity))
      var offset = 0
      while offset < capacity {
        piece.removeAll()
        let length = min(SegmentCopier.pieceBytes, capacity - offset)
        if offset < cut.end {
          try segment.file.read(at: UInt64(offset), length: min(length, cut.end - offset), into: &piece)
        }
        // What lies behind does not belong to the backup, and may still change.
        piece.append(zeros: length - piece.count)
        if offset == 0, segment.packed != nil { SegmentCopier.put(plainHeader, over: &piece) }
        try file.write(piece.bytes, at: UInt64(offset))
        offset += length
      }
      try file.sync()
      return file
    } catch {
      throw LogError(error)
    }
  }

  private static func put(_ header: SegmentHeader, over piece: inout ByteBuffer) {
    var block = ByteBuffer(capacity: Layout.SegmentHeader.blockBytes)
    header.encode(into: &block)
    for offset in stride(from: 0, to: block.count, by: 8) {
      piece.store(littleEndian: block.bytes.u64(offset), at: offset)
    }
  }

  /// Reads the copy back, with all its checksums.
  private func check(_ cut: SegmentCut, _ copy: SegmentFile) throws(LogError) {
    let scan = try scan(copy, limit: cut.end)
    guard scan.end == cut.end, scan.lastRevision == cut.lastRevision else {
      throw LogError(
        .damaged, "the copy can not be read back as it was written; look at the kernel's log (dmesg) for this disk",
        segment: segment.number, offset: UInt64(scan.end))
    }
  }
}
