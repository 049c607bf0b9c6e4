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
}
