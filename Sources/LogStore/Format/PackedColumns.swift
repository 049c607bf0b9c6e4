/// The numbers of a packed block, field by field instead of record by record: most fields say the same in every record
/// of a block, and then they take one bit. See FORMAT.md, "Columns".
package import Bytes

/// One column for each field of a record, then one for each field of a frame. The numbers are part of the format.
package enum PackedColumn: Int, CaseIterable, Sendable {
  case marks = 0
  case operation, itemKind, codec, encryption, revision, previousRevision, time, creationTime, expiry, keyBytes
  case agentBytes, correlationBytes, requestBytes, plainBytes, storedBytes, dictionary, flags, skipRevision, textBytes

  case frameKind = 32
  case frameFlags, frameBodyBytes, frameRecords, frameRecordsHere, frameFirst, frameLast, frameEpoch, frameTime
  case frameDurableThrough, frameDurableOffset

  var isOfFrames: Bool { rawValue >= PackedColumn.frameKind.rawValue }
}

/// What the columns of a block count from, and how long they are.
package struct PackedColumnsHead: Equatable, Sendable, BitwiseCopyable {
  package var records = 0
  /// Records of a frame whose header is in an earlier block.
  package var leadingRecords = 0
  package var frames = 0
  package var baseRevision: UInt64 = 0
  package var baseTime: UInt64 = 0
  package var baseEpoch: UInt64 = 0

  package init() {}
}

package struct PackedColumnsWriter {
  package var head = PackedColumnsHead()
  private var values = [[UInt64]](repeating: [], count: 64)

  package init() {}

  package mutating func append(_ value: UInt64, _ column: PackedColumn) { values[column.rawValue].append(value) }

  package mutating func removeAll() {
    head = PackedColumnsHead()
    for column in PackedColumn.allCases { values[column.rawValue].removeAll(keepingCapacity: true) }
  }

  /// Head, two bit maps (which columns are not all 0, and which of these have one number only), the columns.
  package func encode(into buffer: inout ByteBuffer) {
    buffer.append(varint: UInt64(head.records))
    buffer.append(varint: UInt64(head.leadingRecords))
    buffer.append(varint: UInt64(head.frames))
    buffer.append(varint: head.baseRevision)
    buffer.append(varint: head.baseTime)
    buffer.append(varint: head.baseEpoch)
    var used: UInt64 = 0
    var constant: UInt64 = 0
    for column in PackedColumn.allCases {
      let values = values[column.rawValue]
      guard let first = values.first, values.contains(where: { $0 != 0 }) else { continue }
      used |= 1 << UInt64(column.rawValue)
      if values.allSatisfy({ $0 == first }) { constant |= 1 << UInt64(column.rawValue) }
    }
    buffer.append(littleEndian: used)
    buffer.append(littleEndian: constant)
    for column in PackedColumn.allCases where used >> UInt64(column.rawValue) & 1 == 1 {
      let values = values[column.rawValue]
      let isConstant = constant >> UInt64(column.rawValue) & 1 == 1
      for value in isConstant ? values[..<1] : values[...] { buffer.append(varint: value) }
    }
  }
}

package struct PackedColumns {
  package private(set) var head = PackedColumnsHead()
  /// All columns that have different numbers, one after the other.
  private var values: [UInt64] = []
  /// Where in `values` each column begins; -1 for a column with one number only.
  private var starts = [Int32](repeating: -1, count: 64)
  private var constants = [UInt64](repeating: 0, count: 64)

  package init() {}

  package subscript(_ column: PackedColumn, _ row: Int) -> UInt64 {
    let start = starts[column.rawValue]
    return start < 0 ? constants[column.rawValue] : values[Int(start) + row]
  }

  /// Decodes the columns at the start of `bytes` and returns how many bytes they took.
  package mutating func decode(_ bytes: RawSpan) throws(FormatError) -> Int {
    var reader = VarintReader()
    values.removeAll(keepingCapacity: true)
    head.records = try reader.count(bytes)
    head.leadingRecords = try reader.count(bytes)
    head.frames = try reader.count(bytes)
    guard head.leadingRecords <= head.records else { throw .badField("leading records") }
    head.baseRevision = try reader.next(bytes)
    head.baseTime = try reader.next(bytes)
    head.baseEpoch = try reader.next(bytes)
    guard reader.position + 16 <= bytes.byteCount else { throw .truncated }
    let used = bytes.u64(reader.position)
    let constant = bytes.u64(reader.position + 8)
    reader.position += 16
    for column in 0..<64 {
      let bit: UInt64 = 1 << UInt64(column)
      starts[column] = -1
      constants[column] = 0
      guard (used | constant) & bit != 0 else { continue }
      guard used & bit != 0, let known = PackedColumn(rawValue: column) else { throw .badField("column") }
      if constant & bit != 0 {
        constants[column] = try reader.next(bytes)
        continue
      }
      starts[column] = Int32(values.count)
      for _ in 0..<(known.isOfFrames ? head.frames : head.records) { values.append(try reader.next(bytes)) }
    }
    return reader.position
  }
}

/// Reads numbers of 7 bits a byte, the low ones first.
package struct VarintReader {
  package var position = 0

  package init() {}

  package mutating func next(_ bytes: RawSpan) throws(FormatError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while position < bytes.byteCount {
      let byte = bytes.u8(position)
      position += 1
      // The tenth byte has room for one bit.
      guard shift < 63 || byte <= 1 else { throw .badField("number") }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw .truncated
  }

  /// A number of rows.
  fileprivate mutating func count(_ bytes: RawSpan) throws(FormatError) -> Int {
    let value = try next(bytes)
    guard value <= UInt64(Layout.PackedBlock.rowsMax) else { throw .badField("rows") }
    return Int(value)
  }
}

extension ByteBuffer {
  mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}

/// Small numbers of either sign as small numbers.
enum ZigZag {
  static func encode(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }
  static func decode(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }

  static func difference(_ value: UInt64, _ base: UInt64) -> UInt64 { encode(Int64(bitPattern: value &- base)) }
  static func sum(_ difference: UInt64, _ base: UInt64) -> UInt64 {
    base &+ UInt64(bitPattern: decode(difference))
  }
}
