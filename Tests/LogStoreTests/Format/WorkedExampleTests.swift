/// The hex in FORMAT.md, which was made from the document's text alone, is what the code writes and reads.
import Bytes
import LogStore
import Testing

@Suite("The worked example of FORMAT.md")
struct WorkedExampleTests {
  @Test("The code encodes the example to the bytes that are printed")
  func encoded() throws {
    let example = try FormatDocument().hexDump(under: "Worked example")
    #expect(example.offset == Sample.frameOffset)
    #expect(example.bytes == Sample.commit)
  }

  @Test("The code reads the printed bytes as the text says")
  func decoded() throws {
    let bytes = try FormatDocument().hexDump(under: "Worked example").bytes
    let header = try FrameHeader.decode(bytes.span.bytes, seed: Sample.seed, offset: Sample.frameOffset)
    #expect(header == Sample.header(body: bytes.count - Layout.FrameHeader.size))
    let body = bytes.span.bytes.extracting(Layout.FrameHeader.size..<bytes.count)
    try CommitFrame.check(header, body, seed: Sample.seed, bodyOffset: Sample.bodyOffset)
    var records = 0
    CommitFrame.forEach(in: body, seed: Sample.seed, bodyOffset: Sample.bodyOffset) { record, offset, whole in
      records += 1
      #expect(record.fields == Sample.fields)
      #expect(offset == Sample.bodyOffset)
      #expect(whole.extracting(record.keyRange).text() == "greeting")
      #expect(whole.extracting(record.agentRange).text() == "planner")
      #expect(record.correlationRange.isEmpty && record.requestRange.isEmpty)
      #expect(whole.extracting(record.payloadRange).text() == #"{"content":"hello"}"#)
    }
    #expect(records == 1)
  }

  @Test("The seeds are those that the text names")
  func seeds() throws {
    let text = try FormatDocument().section("Worked example").joined(separator: "\n")
    for seed in [Sample.seed.at(0), Sample.seed.at(Sample.frameOffset), Sample.seed.at(Sample.bodyOffset)] {
      #expect(text.contains("`\(String(seed, radix: 16))`"))
    }
  }

  @Test("The code packs the example into the columns that are printed, and unpacks them to the same commit")
  func packed() throws {
    let columns = try FormatDocument().hexDump(under: "Worked example, packed").bytes
    let commit = Sample.commit
    let record = Array(commit[Layout.FrameHeader.size...])
    var builder = PackedBlockBuilder()
    builder.begin(at: Sample.frameOffset)
    builder.append(Sample.header(body: record.count), at: Sample.frameOffset)
    builder.append(record.span.bytes)
    let dictionary: [UInt8] = []
    var bytes = ByteBuffer()
    builder.finish(
      ZstdCompressor(dictionary: dictionary.span.bytes, level: 3), usesDictionary: false, seed: Sample.seed,
      fileOffset: 4_096, to: &bytes)
    let block = try PackedBlock.decode(bytes.bytes, seed: Sample.seed, offset: 4_096)
    #expect(bytes.bytes.extracting(block.columnRange).array() == columns)

    var unpacked = UnpackedBlock()
    try unpacked.decode(block, bytes.bytes, ZstdDecompressor(dictionary: dictionary.span.bytes))
    var scratch = PackedScratch()
    var plain = ByteBuffer()
    try unpacked.append(block.plainRange, seed: Sample.seed, &scratch, to: &plain)
    #expect(plain.bytes.array() == commit)
    let numbers = ["plain_bytes": block.plainBytes, "column_bytes": block.columnBytes, "text_bytes": block.textBytes]
    let text = try FormatDocument().section("Worked example, packed").joined(separator: " ")
    for (name, number) in numbers { #expect(text.contains("`\(name)` \(number)")) }
  }
}
