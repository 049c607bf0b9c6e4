/// Every number of the format, each once. FORMAT.md prints the same tables and a test compares the two.
///
/// All integers are little-endian. Offsets build on each other, so that a field can not be moved without its
/// neighbours noticing.
package enum Layout {
  /// What is written.
  package static let formatVersion: UInt16 = 3
  /// What is read.
  package static let formatVersions: ClosedRange<UInt16> = 1...formatVersion
  /// Frames and records begin at multiples of this many bytes.
  package static let alignment = 8
  /// What a revision can be. The upper half is left out, so that counting on from one read can not overflow.
  package static let revisions: Range<UInt64> = 1..<counters.upperBound
  /// What a count or a claim that was read can be; 0 means none.
  package static let counters: Range<UInt64> = 0..<(1 << 63)
  /// What the size of a segment can be: positions in it have 32 bits.
  package static let capacities = UInt64(SegmentHeader.blockBytes)...UInt64(UInt32.max)

  /// The head of a segment file: one 4 KiB block, of which `size` bytes are used and the rest is zero.
  package enum SegmentHeader {
    package static let magic: UInt64 = 0x4745_5342_5548_464D  // "MFHUBSEG" read as little-endian
    package static let checksum = 0
    package static let magicOffset = checksum + 8
    package static let version = magicOffset + 8
    package static let headerBytes = version + 2
    package static let generation = headerBytes + 2
    package static let compatibleFlags = generation + 4
    package static let readOnlyFlags = compatibleFlags + 4
    package static let incompatibleFlags = readOnlyFlags + 4
    package static let packedFrom = incompatibleFlags + 4
    package static let store = packedFrom + 4
    package static let lineage = store + 16
    package static let number = lineage + 16
    package static let capacity = number + 8
    package static let predecessorEnd = capacity + 8
    package static let baseRevision = predecessorEnd + 8
    package static let epoch = baseRevision + 8
    package static let createdAt = epoch + 8
    package static let size = createdAt + 8
    /// Incompatible flag: the file is packed, see FORMAT.md, "Packed segment".
    package static let packedFlag: UInt32 = 1
    /// Where the first frame begins.
    package static let blockBytes = 4096
  }

  /// The head of every frame behind the segment header.
  package enum FrameHeader {
    package static let magic: UInt32 = 0x314D_5246  // "FRM1"
    package static let checksum = 0
    package static let magicOffset = checksum + 8
    package static let kind = magicOffset + 4
    package static let flags = kind + 1
    package static let reserved = flags + 1
    package static let bodyBytes = reserved + 2
    package static let recordCount = bodyBytes + 4
    package static let firstRevision = recordCount + 4
    package static let lastRevision = firstRevision + 8
    package static let epoch = lastRevision + 8
    package static let time = epoch + 8
    package static let durableThrough = time + 8
    package static let durableOffset = durableThrough + 8
    package static let size = durableOffset + 8
  }

  /// The head of a record inside a commit frame; names and payload follow it.
  package enum RecordHeader {
    package static let checksum = 0
    package static let recordBytes = checksum + 8
    package static let operation = recordBytes + 4
    package static let itemKind = operation + 1
    package static let codec = itemKind + 1
    package static let encryption = codec + 1
    package static let revision = encryption + 1
    package static let previousRevision = revision + 8
    package static let time = previousRevision + 8
    package static let creationTime = time + 8
    package static let expiry = creationTime + 8
    package static let fingerprint = expiry + 8
    package static let keyBytes = fingerprint + 8
    package static let agentBytes = keyBytes + 2
    package static let correlationBytes = agentBytes + 2
    package static let requestBytes = correlationBytes + 2
    package static let plainBytes = requestBytes + 2
    package static let storedBytes = plainBytes + 4
    package static let dictionary = storedBytes + 4
    package static let flags = dictionary + 4
    package static let depth = flags + 1
    package static let skipRevision = depth + 3
    package static let salt = skipRevision + 8
    package static let stateHash = salt + 16
    package static let payloadChecksum = stateHash + 16
    package static let size = payloadChecksum + 8
  }

  /// One block of a packed segment: this header, columns of numbers, one zstd frame, zeros to a multiple of 8.
  package enum PackedBlock {
    package static let magic: UInt32 = 0x314B_4150  // "PAK1"
    package static let checksum = 0
    package static let magicOffset = checksum + 8
    package static let kind = magicOffset + 4
    package static let flags = kind + 1
    package static let reserved = flags + 1
    package static let blockBytes = reserved + 2
    package static let plainOffset = blockBytes + 4
    package static let plainBytes = plainOffset + 4
    package static let columnBytes = plainBytes + 4
    package static let textBytes = columnBytes + 4
    package static let storedBytes = textBytes + 4
    package static let size = storedBytes + 4
    /// What a block unpacks to at the most, whatever its header says.
    package static let textBytesMax = 16 << 20
    /// Records in one block, and frames in one block.
    package static let rowsMax = 4_096
    package static let dictionaryBytesMax = 256 << 10
  }

  /// The last bytes of a packed segment.
  package enum PackedTail {
    package static let magic: UInt64 = 0x444E_454B_4350_464D  // "MFPCKEND" read as little-endian
    package static let checksum = 0
    package static let magicOffset = checksum + 8
    package static let directoryOffset = magicOffset + 8
    package static let size = directoryOffset + 8
    package static let directoryEntryBytes = 8
  }

  /// The payload of a redaction record; the revisions follow, then a text.
  package enum Redaction {
    package static let revisionCount = 0
    package static let reasonBytes = revisionCount + 4
    package static let size = reasonBytes + 4
  }

  /// The payload of a gap record; a text follows.
  package enum Gap {
    package static let firstRevision = 0
    package static let lastRevision = firstRevision + 8
    package static let recordedAt = lastRevision + 8
    package static let flags = recordedAt + 8
    package static let reasonBytes = flags + 4
    package static let size = reasonBytes + 4
  }

  /// The body of a seal frame: a checksum, then sections.
  package enum Seal {
    package static let checksum = 0
    package static let sections = checksum + 8
    package static let sectionHeaderBytes = 8
    package static let commitTableSection: UInt32 = 1
    package static let commitTableEntryBytes = 32
    package static let marksSection: UInt32 = 2
    package static let markBytes = 16
    /// The commit table names at least one frame in every stretch of this many bytes.
    package static let commitTableStrideBytes = 16 * 1024
  }

  /// The manifest: head, then one entry for each segment.
  package enum Manifest {
    package static let magic: UInt64 = 0x5453_4E41_4D48_464D  // "MFHMANST" read as little-endian
    package static let checksum = 0
    package static let magicOffset = checksum + 8
    package static let version = magicOffset + 8
    package static let reserved = version + 2
    package static let totalBytes = reserved + 2
    package static let compatibleFlags = totalBytes + 4
    package static let readOnlyFlags = compatibleFlags + 4
    package static let incompatibleFlags = readOnlyFlags + 4
    package static let segmentCount = incompatibleFlags + 4
    package static let store = segmentCount + 4
    package static let lineage = store + 16
    package static let parentLineage = lineage + 16
    package static let parentRevision = parentLineage + 16
    package static let sequence = parentRevision + 8
    package static let epoch = sequence + 8
    package static let durableThrough = epoch + 8
    package static let writtenAt = durableThrough + 8
    package static let floor = writtenAt + 8
    package static let size = floor + 8
    /// Versions before 3 know no floor.
    package static let sizeBefore3 = floor
    package static let entryNumber = 0
    package static let entryGeneration = entryNumber + 8
    package static let entryReserved = entryGeneration + 4
    package static let entryCapacity = entryReserved + 4
    package static let entryBytes = entryCapacity + 8
    package static let bytesMax = 64 * 1024 * 1024
    /// Among the compatible flags: segments that are not listed do not belong to the store.
    package static let listsAllFlag: UInt32 = 1
  }

  /// A snapshot: head, blocks, tail. Each block is a checksummed header and a payload padded to `alignment`.
  package enum Snapshot {
    package static let magic: UInt64 = 0x504E_5342_5548_464D  // "MFHUBSNP" read as little-endian
    package static let checksum = 0
    package static let magicOffset = checksum + 8
    package static let version = magicOffset + 8
    package static let headBytes = version + 2
    package static let reserved = headBytes + 2
    package static let compatibleFlags = reserved + 4
    package static let readOnlyFlags = compatibleFlags + 4
    package static let incompatibleFlags = readOnlyFlags + 4
    package static let replaySegment = incompatibleFlags + 4
    package static let store = replaySegment + 4
    package static let lineage = store + 16
    package static let nonce = lineage + 16
    package static let replayOffset = nonce + 8
    package static let replayRevision = replayOffset + 8
    package static let createdAt = replayRevision + 8
    package static let size = createdAt + 8
  }

  package enum SnapshotBlock {
    package static let checksum = 0
    package static let payloadChecksum = checksum + 8
    package static let kind = payloadChecksum + 8
    package static let count = kind + 4
    package static let payloadBytes = count + 4
    package static let ordinal = payloadBytes + 4
    package static let size = ordinal + 4
    package static let payloadBytesMax = 16 * 1024 * 1024
  }

  package enum SnapshotTail {
    package static let magic: UInt64 = 0x444E_4550_414E_5348  // "HSNAPEND" read as little-endian
    package static let checksum = 0
    package static let magicOffset = checksum + 8
    package static let blockCount = magicOffset + 8
    package static let totalBytes = blockCount + 8
    package static let revision = totalBytes + 8
    package static let time = revision + 8
    package static let size = time + 8
  }

  /// Rounds up to the next multiple of `alignment`.
  @inlinable package static func aligned(_ bytes: Int) -> Int { (bytes + 7) & ~7 }
}
