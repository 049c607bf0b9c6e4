/// Where the text of items comes from: real language, so that what compression makes of it is honest.
internal import BenchSupport
internal import Bytes
internal import JSONText

/// Text, already escaped for JSON, of which any run of whole words can be an item's content.
struct ItemText: ~Copyable {
  private var escaped = ByteBuffer(capacity: 64 << 10)
  /// Where words begin, far enough from the end for the longest content.
  private var starts: [Int] = []

  /// - Parameter contentBytes: the longest content that will be asked for.
  init(_ text: String, contentBytes: Int) {
    var raw = ByteBuffer(capacity: 64 << 10)
    repeat {
      raw.append(text: text)
      raw.append(" ")
    } while raw.count < 2 * contentBytes + 64
    JSONWriter.appendString(raw.bytes, to: &escaped)
    // Between the quotes; an escape holds no space, so behind a space is always a place to begin or end.
    let last = escaped.count - 2 - contentBytes
    starts = (1..<max(last, 2)).filter { $0 == 1 || escaped.bytes.u8($0 - 1) == UInt8(ascii: " ") }
  }

  /// Appends words that take at most `bytes` bytes.
  func append(bytes: Int, _ generator: inout Generator, to buffer: inout ByteBuffer) {
    let start = starts[generator.below(starts.count)]
    var end = start + bytes
    while end > start, escaped.bytes.u8(end) != UInt8(ascii: " ") { end -= 1 }
    buffer.append(escaped.bytes.extracting(start..<end))
  }

  /// Sentences of common words, for when no file of real text is given.
  static func builtIn() -> String {
    let words = """
      the agent remembers that a user asked about an order and wants its state by email before noon on monday while \
      another task was waiting for approval from finance because of missing documents and we agreed to look at it \
      again later with more context preferences say short answers in plain language session ended after seven \
      questions one summary was stored knowledge about shipping rules changed last week new limit applies to all \
      customers outside europe report failed twice then succeeded after retry with smaller batch plan next step \
      check database migration compare results write note for colleague close ticket when done
      """.split(separator: " ")
    var generator = Generator(state: 7)
    var text = ""
    for number in 0..<20_000 {
      text += words[generator.below(words.count)]
      text += number % 11 == 10 ? ". " : " "
    }
    return text
  }
}
