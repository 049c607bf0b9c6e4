/// Every way in which a record, or the commit that holds it, can be wrong.
import Bytes
import LogStore
import Testing

@Suite("A commit and its records")
struct CommitTests {
  private typealias Field = Layout.RecordHeader
  private let record = Sample.record()

  private func decode(_ bytes: [UInt8]) throws(FormatError) -> RecordHeader {
    let header = try RecordHeader.decode(bytes.span.bytes, seed: Sample.seed, offset: Sample.bodyOffset)
    try header.checkPayload(bytes.span.bytes, seed: Sample.seed, offset: Sample.bodyOffset)
    return header
  }

  private func changed<Value: FixedWidthInteger>(_ value: Value, at offset: Int) -> [UInt8] {
    let named = Field.size + "greetingplanner".utf8.count
    return record.with(value, at: offset, sealing: 8..<named, seed: Sample.seed.at(Sample.bodyOffset))
  }

  private func check(_ header: FrameHeader, _ body: [UInt8]) throws(FormatError) {
    try CommitFrame.check(header, body.span.bytes, seed: Sample.seed, bodyOffset: Sample.bodyOffset)
  }

  private static func body(_ revisions: [UInt64]) -> [UInt8] {
    var body: [UInt8] = []
    for revision in revisions {
      let isEvent = revision != 0
      body += Sample.record(
        RecordFields(operation: isEvent ? .update : .epoch, revision: Revision(revision), time: Sample.time),
        key: isEvent ? "key/\(revision)" : "", at: Sample.bodyOffset + body.count)
    }
    return body
  }

  @Test("What is encoded is decoded again, for every operation and every length of names and payload")
  func roundTrip() throws {
    for operation in Operation.allCases {
      for length in 0...40 {
        var fields = RecordFields(operation: operation, revision: Revision(9), time: Sample.time)
        fields.previousRevision = Revision(4)
        fields.expiry = .max
        fields.creationTime = .min
        fields.fingerprint = .max
        fields.continues = length % 2 == 0
        fields.stateHash = .max
        fields.salt = .max - 1
        fields.depth = RecordFields.depthMax
        fields.skipRevision = Revision(3)
        fields.itemKind = 255
        // What was dropped has no names, and was an event.
        let names = operation == .dropped ? 0 : length
        if operation == .dropped { fields.itemKind = Operation.update.rawValue }
        let text = { String(repeating: "x", count: $0) }
        let bytes = Sample.record(
          fields, key: text(names), agent: text(names / 2), correlation: text(names / 3), request: text(names / 5),
          payload: operation == .dropped ? String(repeating: "\0", count: length * 3) : text(length * 3))
        let header = try decode(bytes)
        #expect(header.fields == fields)
        #expect(bytes.count == Int(header.recordBytes) && bytes.count % 8 == 0)
        #expect(header.keyRange.count == names && header.agentRange.count == names / 2)
        #expect(header.correlationRange.count == names / 3 && header.requestRange.count == names / 5)
        #expect(header.payloadRange.count == length * 3)
      }
    }
  }

  @Test("A record that is cut off at any byte is refused")
  func truncated() {
    for length in 0..<record.count {
      #expect(throws: FormatError.self) { try decode(Array(record[..<length])) }
    }
    #expect(throws: FormatError.truncated) { try decode(Array(record[..<100])) }
    #expect(throws: FormatError.badLength) { try decode(Array(record[..<140])) }
    #expect(throws: FormatError.truncated) { try decode(Array(record[..<(record.count - 1)])) }
  }

  @Test("Impossible values are refused by name")
  func fields() {
    for operation: UInt8 in [0, 7, 63, 67, 255] {
      #expect(throws: FormatError.unknownOperation(operation)) { try decode(changed(operation, at: Field.operation)) }
    }
    #expect(throws: FormatError.unknownCodec(4)) { try decode(changed(UInt8(4), at: Field.codec)) }
    // What is left of a payload is its commitment: no length, no hash of the request.
    #expect(throws: FormatError.badField("codec")) { try decode(changed(Codec.redacted.rawValue, at: Field.codec)) }
    #expect(throws: FormatError.badField("operation")) { try decode(changed(UInt8(6), at: Field.operation)) }
    #expect(throws: FormatError.badField("skip_revision")) {
      try decode(changed(UInt64(1) << 63, at: Field.skipRevision))
    }
    #expect(throws: FormatError.encrypted(1)) { try decode(changed(UInt8(1), at: Field.encryption)) }
    #expect(throws: FormatError.badField("flags")) { try decode(changed(UInt8(2), at: Field.flags)) }
    for wrong in [0, UInt32(record.count) - 8, UInt32(record.count) + 8, .max] {
      #expect(throws: FormatError.badLength) { try decode(changed(wrong, at: Field.recordBytes)) }
    }
    for wrong: UInt32 in [0, 18, 20, .max] {
      #expect(throws: FormatError.badLength) { try decode(changed(wrong, at: Field.plainBytes)) }
    }
    #expect(throws: FormatError.badLength) { try decode(changed(UInt32.max, at: Field.storedBytes)) }
    #expect(throws: FormatError.badLength) { try decode(changed(UInt16.max, at: Field.keyBytes)) }
    #expect(throws: FormatError.payloadChecksum) { try decode(changed(UInt64(1), at: Field.payloadChecksum)) }
  }

  @Test("A payload that changed, and a padding that is not zero, are told apart")
  func payload() {
    var wrong = record
    wrong[record.count - 8] ^= 1
    #expect(throws: FormatError.payloadChecksum) { try decode(wrong) }
    wrong = record
    wrong[record.count - 1] = 1
    #expect(throws: FormatError.nonZeroPadding) { try decode(wrong) }
  }

  @Test("A record is valid only at its place; relocating it makes it valid at another")
  func misplaced() throws {
    let elsewhere = Sample.bodyOffset + 8
    #expect(throws: FormatError.badChecksum) {
      try RecordHeader.decode(record.span.bytes, seed: Sample.seed, offset: elsewhere)
    }
    let header = try decode(record)
    var buffer = ByteBuffer()
    buffer.append(record.span.bytes)
    RecordEncoder.relocate(header, at: 0, in: &buffer, seed: Sample.seed, offset: elsewhere)
    #expect(buffer.bytes.array() == Sample.record(at: elsewhere))
  }

  @Test("The records of a commit have their revisions in a row, and their number and last one agree with the frame")
  func commit() throws {
    let body = CommitTests.body([1, 0, 2])
    var header = Sample.header(body: body.count, records: 3)
    header.lastRevision = Revision(2)
    try check(header, body)
    header.recordCount = 2
    #expect(throws: FormatError.badField("record_count")) { try check(header, body) }
    header.recordCount = 3
    for last: UInt64 in [0, 1, 3, .max] {
      header.lastRevision = Revision(last)
      #expect(throws: FormatError.badField("last_revision")) { try check(header, body) }
    }
    for revisions: [UInt64] in [[2, 3], [1, 3], [1, 1], [2, 1]] {
      let body = CommitTests.body(revisions)
      #expect(throws: FormatError.badField("revision")) { try check(Sample.header(body: body.count, records: 2), body) }
    }
    let marked = Sample.record(RecordFields(operation: .epoch, revision: Revision(1), time: Sample.time))
    #expect(throws: FormatError.badField("revision")) { try check(Sample.header(body: marked.count), marked) }
  }

  @Test("A body that ends inside a record is refused, at every length")
  func cutBody() {
    let body = CommitTests.body([1, 2])
    for length in 0..<body.count {
      #expect(throws: FormatError.self) { try check(Sample.header(body: length, records: 2), Array(body[..<length])) }
    }
  }

  @Test("Every single inverted bit of an encoded commit is noticed: 1,984 of them")
  func bits() {
    let frame = Sample.commit
    var noticed = 0
    for bit in 0..<(frame.count * 8) {
      let wrong = frame.flipping(bit: bit)
      do {
        let header = try FrameHeader.decode(wrong.span.bytes, seed: Sample.seed, offset: Sample.frameOffset)
        try check(header, Array(wrong[Layout.FrameHeader.size...]))
      } catch {
        noticed += 1
      }
    }
    #expect(noticed == 1_984)
  }
}
