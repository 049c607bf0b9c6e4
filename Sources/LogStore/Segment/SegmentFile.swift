/// An open segment: its header, which was checked, and its file.
package import Bytes

package final class SegmentFile: Sendable {
  package let header: SegmentHeader
  package let seed: FrameSeed
  package let file: any StorageFile

  package init(header: SegmentHeader, file: any StorageFile) {
    self.header = header
    self.file = header.packedFrom == nil ? file : PackedFile(file, header)
    seed = header.seed
  }

  package var number: SegmentNumber { header.number }

  /// The file as it is stored; nil when the segment is not packed.
  package var packed: PackedFile? { file as? PackedFile }

  /// Bytes that the file takes on the disk.
  package var storedBytes: Int {
    // What can not be asked for now counts as what it was before.
    packed.flatMap { try? Int(clamping: $0.storedBytes()) } ?? Int(clamping: header.capacity)
  }

  /// Its entry in the manifest.
  package var listing: Manifest.Segment {
    Manifest.Segment(number: number, generation: header.generation, capacity: header.capacity)
  }

  /// Opens the segment that the file name stands for, and checks that the inside agrees with the name and the store.
  package static func open(
    _ number: SegmentNumber, generation: UInt32, store: StoreIdentity?, storage: any Storage, writable: Bool
  ) throws(LogError) -> SegmentFile {
    let name = StoreNames.segment(number, generation: generation)
    let file: any StorageFile
    var block = ByteBuffer(capacity: Layout.SegmentHeader.blockBytes)
    do {
      file = try storage.open(name, writable: writable)
      try file.read(at: 0, length: Layout.SegmentHeader.blockBytes, into: &block)
    } catch {
      guard error.errno == PosixText.missing else { throw LogError(error, segment: number) }
      throw LogError(
        .damaged, "\(name) is missing, with all its revisions: restore it from a backup or a replica", segment: number)
    }
    let header: SegmentHeader
    do {
      header = try SegmentHeader.decode(block.bytes)
    } catch {
      throw SegmentFile.refusal(of: name, number, error)
    }
    guard header.number == number, header.generation == generation else {
      throw LogError(
        .damaged,
        "\(name) holds segment \(header.number) of generation \(header.generation): the file was renamed "
          + "or copied; restore its name", segment: number, offset: 0)
    }
    if let store, header.store != store {
      throw LogError(
        .damaged, "\(name) belongs to store \(header.store), not to this one (\(store)): put the right file back",
        segment: number, offset: 0)
    }
    return SegmentFile(header: header, file: file)
  }

  private static func refusal(of name: String, _ number: SegmentNumber, _ error: FormatError) -> LogError {
    switch error {
    case .unknownVersion, .unknownFeatures:
      LogError(.unsupported, "\(name): \(error.text); use the version that wrote it, or a newer one", segment: number)
    default:
      LogError(
        .damaged, "\(name): \(error.text); restore the file from a backup or a replica", segment: number, offset: 0)
    }
  }

  /// Reads one record and checks all of it. `buffer` is emptied first.
  package func readRecord(
    at position: RecordPosition, into buffer: inout ByteBuffer
  ) throws(LogError) -> RecordHeader {
    buffer.removeAll()
    do {
      try file.read(at: UInt64(position.offset), length: Int(position.length), into: &buffer)
    } catch {
      throw LogError(error, segment: number, offset: UInt64(position.offset))
    }
    do {
      let header = try RecordHeader.decode(buffer.bytes, seed: seed, offset: Int(position.offset))
      try header.checkPayload(buffer.bytes, seed: seed, offset: Int(position.offset))
      return header
    } catch {
      let error = packed?.problem(at: Int(position.offset)) ?? error
      throw LogError(
        .damaged, "\(error.text); check the disk and restore the segment from a backup or a replica",
        segment: number, offset: UInt64(position.offset))
    }
  }

  /// Reads a record's header and names, without its payload. `buffer` is emptied first.
  package func readHeader(
    at position: RecordPosition, into buffer: inout ByteBuffer
  ) throws(LogError) -> RecordHeader {
    buffer.removeAll()
    // Names are short as a rule: one read takes them along.
    var wanted = min(Int(position.length), SegmentFile.headerReadBytes)
    while true {
      do {
        buffer.removeAll()
        try file.read(at: UInt64(position.offset), length: wanted, into: &buffer)
      } catch {
        throw LogError(error, segment: number, offset: UInt64(position.offset))
      }
      do {
        return try RecordHeader.decode(buffer.bytes, seed: seed, offset: Int(position.offset))
      } catch {
        if error == .badLength, wanted < Int(position.length) {
          wanted = Int(position.length)
          continue
        }
        throw LogError(
          .damaged, "\(error.text); check the disk and restore the segment from a backup or a replica",
          segment: number, offset: UInt64(position.offset))
      }
    }
  }

  private static let headerReadBytes = 512
}
