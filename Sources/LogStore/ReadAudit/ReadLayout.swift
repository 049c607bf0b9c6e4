/// The numbers of the stream of reads, each once. FORMAT.md, "Stream of reads", prints the same tables.

extension Layout {
  /// The head of a file of the stream.
  package enum ReadFile {
    package static let magic: UInt64 = 0x5344_4145_5248_464D  // "MFHREADS" read as little-endian
    package static let formatVersion: UInt16 = 1
    package static let checksum = 0
    package static let magicOffset = checksum + 8
    package static let version = magicOffset + 8
    package static let headerBytes = version + 2
    package static let flags = headerBytes + 2
    package static let store = flags + 4
    package static let number = store + 16
    package static let predecessorEnd = number + 8
    package static let createdAt = predecessorEnd + 8
    /// Where the first record begins.
    package static let size = createdAt + 8
    /// No file of the stream is larger; more is not read.
    package static let bytesMax = 64 << 20
  }

  /// The head of a record of the stream; key, agent and correlation id follow.
  package enum ReadRecord {
    package static let checksum = 0
    package static let recordBytes = checksum + 8
    package static let keyBytes = recordBytes + 4
    package static let agentBytes = keyBytes + 2
    package static let correlationBytes = agentBytes + 2
    package static let action = correlationBytes + 2
    package static let reserved = action + 1
    package static let count = reserved + 1
    package static let time = count + 4
    package static let revision = time + 8
    package static let firstRevision = revision + 8
    package static let size = firstRevision + 8
  }
}
