/// FORMAT.md and `Layout` say the same.
import LogStore
import Testing

@Suite("The tables of FORMAT.md")
struct LayoutTableTests {
  private typealias Row = FormatDocument.Row

  /// Names with their offsets, and the size of the whole, as the rows that the document should have.
  private func rows(_ fields: [(String, Int)], size: Int) -> [Row] {
    let ends = fields.dropFirst().map(\.1) + [size]
    return zip(fields, ends).map { Row(offset: $0.1, size: $1 - $0.1, name: $0.0) }
  }

  private func table(_ heading: String, _ index: Int = 0) throws -> [Row] {
    let tables = try FormatDocument().tables(under: heading)
    try #require(index < tables.count)
    return tables[index]
  }

  @Test("The segment header's table is the code's")
  func segmentHeader() throws {
    typealias Field = Layout.SegmentHeader
    let fields = [
      ("checksum", Field.checksum), ("magic", Field.magicOffset), ("version", Field.version),
      ("header_bytes", Field.headerBytes), ("generation", Field.generation),
      ("compatible_flags", Field.compatibleFlags), ("read_only_flags", Field.readOnlyFlags),
      ("incompatible_flags", Field.incompatibleFlags), ("packed_from", Field.packedFrom), ("store", Field.store),
      ("lineage", Field.lineage), ("number", Field.number), ("capacity", Field.capacity),
      ("predecessor_end", Field.predecessorEnd), ("base_revision", Field.baseRevision), ("epoch", Field.epoch),
      ("created_at", Field.createdAt),
    ]
    #expect(try table("Segment header") == rows(fields, size: Field.size))
    #expect(Field.blockBytes == 4096 && Field.size == 120)
  }

  @Test("The tables of the stream of reads are the code's")
  func streamOfReads() throws {
    typealias File = Layout.ReadFile
    let header = [
      ("checksum", File.checksum), ("magic", File.magicOffset), ("version", File.version),
      ("header_bytes", File.headerBytes), ("flags", File.flags), ("store", File.store), ("number", File.number),
      ("predecessor_end", File.predecessorEnd), ("created_at", File.createdAt),
    ]
    #expect(try table("Stream of reads", 0) == rows(header, size: File.size))
    typealias Field = Layout.ReadRecord
    let fields = [
      ("checksum", Field.checksum), ("record_bytes", Field.recordBytes), ("key_bytes", Field.keyBytes),
      ("agent_bytes", Field.agentBytes), ("correlation_bytes", Field.correlationBytes), ("action", Field.action),
      ("reserved", Field.reserved), ("count", Field.count), ("time", Field.time), ("revision", Field.revision),
      ("first_revision", Field.firstRevision),
    ]
    #expect(try table("Stream of reads", 1) == rows(fields, size: Field.size))
    #expect(File.size == 64 && Field.size == 48)
  }

  @Test("The frame header's table is the code's")
  func frameHeader() throws {
    typealias Field = Layout.FrameHeader
    let fields = [
      ("checksum", Field.checksum), ("magic", Field.magicOffset), ("kind", Field.kind), ("flags", Field.flags),
      ("reserved", Field.reserved), ("body_bytes", Field.bodyBytes), ("record_count", Field.recordCount),
      ("first_revision", Field.firstRevision), ("last_revision", Field.lastRevision), ("epoch", Field.epoch),
      ("time", Field.time), ("durable_through", Field.durableThrough), ("durable_offset", Field.durableOffset),
    ]
    #expect(try table("Frame") == rows(fields, size: Field.size))
  }

  @Test("The record header's table is the code's")
  func recordHeader() throws {
    typealias Field = Layout.RecordHeader
    let fields = [
      ("checksum", Field.checksum), ("record_bytes", Field.recordBytes), ("operation", Field.operation),
      ("item_kind", Field.itemKind), ("codec", Field.codec), ("encryption", Field.encryption),
      ("revision", Field.revision), ("previous_revision", Field.previousRevision), ("time", Field.time),
      ("creation_time", Field.creationTime), ("expiry", Field.expiry), ("fingerprint", Field.fingerprint),
      ("key_bytes", Field.keyBytes), ("agent_bytes", Field.agentBytes),
      ("correlation_bytes", Field.correlationBytes), ("request_bytes", Field.requestBytes),
      ("plain_bytes", Field.plainBytes), ("stored_bytes", Field.storedBytes), ("dictionary", Field.dictionary),
      ("flags", Field.flags), ("depth", Field.depth), ("skip_revision", Field.skipRevision),
      ("salt", Field.salt), ("state_hash", Field.stateHash), ("payload_checksum", Field.payloadChecksum),
    ]
    #expect(try table("Record") == rows(fields, size: Field.size))
  }

  @Test("The gap record's table is the code's")
  func gap() throws {
    typealias Field = Layout.Gap
    let fields = [
      ("first_revision", Field.firstRevision), ("last_revision", Field.lastRevision),
      ("recorded_at", Field.recordedAt), ("flags", Field.flags), ("reason_bytes", Field.reasonBytes),
    ]
    #expect(try table("Gap record") == rows(fields, size: Field.size))
    #expect(GapRecord.reasonBytesMax == 512)
  }

  @Test("The redaction record's table is the code's")
  func redaction() throws {
    typealias Field = Layout.Redaction
    let fields = [("revision_count", Field.revisionCount), ("reason_bytes", Field.reasonBytes)]
    #expect(try table("Redaction record") == rows(fields, size: Field.size))
    #expect(RedactionRecord.reasonBytesMax == 1_024 && RedactionRecord.revisionsMax == 16_384)
  }

  @Test("The seal's tables are the code's")
  func seal() throws {
    #expect(try table("Seal", 0) == rows([("checksum", Layout.Seal.checksum)], size: Layout.Seal.sections))
    #expect(
      try table("Seal", 1) == rows([("type", 0), ("length", 4)], size: Layout.Seal.sectionHeaderBytes))
    let entry = [("first_revision", 0), ("time", 8), ("offset", 16), ("frame_bytes", 24)]
    #expect(try table("Seal", 2) == rows(entry, size: Layout.Seal.commitTableEntryBytes))
    #expect(Layout.Seal.commitTableStrideBytes == 16_384)
  }

  @Test("The snapshot's tables are the code's")
  func snapshot() throws {
    typealias Head = Layout.Snapshot
    let head = [
      ("checksum", Head.checksum), ("magic", Head.magicOffset), ("version", Head.version),
      ("head_bytes", Head.headBytes), ("reserved", Head.reserved), ("compatible_flags", Head.compatibleFlags),
      ("read_only_flags", Head.readOnlyFlags), ("incompatible_flags", Head.incompatibleFlags),
      ("replay_segment", Head.replaySegment), ("store", Head.store), ("lineage", Head.lineage), ("nonce", Head.nonce),
      ("replay_offset", Head.replayOffset), ("replay_revision", Head.replayRevision), ("created_at", Head.createdAt),
    ]
    #expect(try table("Snapshot", 0) == rows(head, size: Head.size))
    typealias Block = Layout.SnapshotBlock
    let block = [
      ("checksum", Block.checksum), ("payload_checksum", Block.payloadChecksum), ("kind", Block.kind),
      ("count", Block.count), ("payload_bytes", Block.payloadBytes), ("ordinal", Block.ordinal),
    ]
    #expect(try table("Snapshot", 1) == rows(block, size: Block.size))
    typealias Tail = Layout.SnapshotTail
    let tail = [
      ("checksum", Tail.checksum), ("magic", Tail.magicOffset), ("block_count", Tail.blockCount),
      ("total_bytes", Tail.totalBytes), ("revision", Tail.revision), ("time", Tail.time),
    ]
    #expect(try table("Snapshot", 2) == rows(tail, size: Tail.size))
    #expect(Block.payloadBytesMax == 16 << 20)
  }

  @Test("The packed segment's tables are the code's")
  func packed() throws {
    typealias Block = Layout.PackedBlock
    let block = [
      ("checksum", Block.checksum), ("magic", Block.magicOffset), ("kind", Block.kind), ("flags", Block.flags),
      ("reserved", Block.reserved), ("block_bytes", Block.blockBytes), ("plain_offset", Block.plainOffset),
      ("plain_bytes", Block.plainBytes), ("column_bytes", Block.columnBytes), ("text_bytes", Block.textBytes),
      ("stored_bytes", Block.storedBytes),
    ]
    #expect(try table("Packed segment", 0) == rows(block, size: Block.size))
    typealias Tail = Layout.PackedTail
    let tail = [
      ("checksum", Tail.checksum), ("magic", Tail.magicOffset), ("directory_offset", Tail.directoryOffset),
    ]
    #expect(try table("Packed segment", 1) == rows(tail, size: Tail.size))
    let document = try FormatDocument().section("Columns").joined(separator: "\n")
    for column in PackedColumn.allCases {
      #expect(document.contains("| \(column.rawValue) | `\(FormatDocument.snakeCase("\(column)"))` |"), "\(column)")
    }
    #expect(Block.textBytesMax == 16 << 20 && Block.rowsMax == 4_096 && Block.dictionaryBytesMax == 262_144)
  }

  @Test("The manifest's tables are the code's")
  func manifest() throws {
    typealias Field = Layout.Manifest
    let fields = [
      ("checksum", Field.checksum), ("magic", Field.magicOffset), ("version", Field.version),
      ("reserved", Field.reserved), ("total_bytes", Field.totalBytes), ("compatible_flags", Field.compatibleFlags),
      ("read_only_flags", Field.readOnlyFlags), ("incompatible_flags", Field.incompatibleFlags),
      ("segment_count", Field.segmentCount), ("store", Field.store), ("lineage", Field.lineage),
      ("parent_lineage", Field.parentLineage), ("parent_revision", Field.parentRevision),
      ("sequence", Field.sequence), ("epoch", Field.epoch), ("durable_through", Field.durableThrough),
      ("written_at", Field.writtenAt), ("floor", Field.floor),
    ]
    #expect(try table("Manifest", 0) == rows(fields, size: Field.size))
    let entry = [
      ("number", Field.entryNumber), ("generation", Field.entryGeneration), ("reserved", Field.entryReserved),
      ("capacity", Field.entryCapacity),
    ]
    #expect(try table("Manifest", 1) == rows(entry, size: Field.entryBytes))
  }

  @Test("Every section that the code's comments cite is there")
  func sections() throws {
    let document = try FormatDocument()
    for heading in [
      "Segment header", "Frame", "Commit", "Record", "Seal", "Manifest", "Recovery", "Torn tail or rot", "Snapshot",
      "Gap record", "Salvage", "Packed segment", "Columns", "Text",
    ] {
      #expect(!document.section(heading).isEmpty, "\(heading)")
    }
  }

  @Test("The magic numbers spell their names")
  func magics() {
    func text(_ value: some FixedWidthInteger) -> String {
      withUnsafeBytes(of: value.littleEndian) { String(decoding: $0, as: UTF8.self) }
    }
    #expect(text(Layout.SegmentHeader.magic) == "MFHUBSEG")
    #expect(text(Layout.FrameHeader.magic) == "FRM1")
    #expect(text(Layout.Manifest.magic) == "MFHMANST")
    #expect(text(Layout.PackedBlock.magic) == "PAK1")
    #expect(text(Layout.PackedTail.magic) == "MFPCKEND")
  }
}
