/// Writes requests into one buffer that serves for all of them.
internal import BenchSupport
internal import Bytes
internal import JSONText

struct RequestWriter: ~Copyable {
  private let keys: Int
  private let contentBytes: Int
  private let text: ItemText
  /// What stands before the key, by `Operation.rawValue`.
  private let heads: [[UInt8]]
  private var generator = Generator(state: 42)
  private(set) var body = ByteBuffer(capacity: 4 << 10)

  private static let itemHead: StaticString = #"","item":{"content":""#
  private static let itemTail: StaticString = #"","memory_type":"conversation","tags":["bench"]}}"#
  /// Bytes of an item that are not its content.
  private static let itemFrameBytes = #"{"content":"","memory_type":"conversation","tags":["bench"]}"#.utf8.count

  init(_ options: LoadOptions, text source: String, apiKey: String?) {
    keys = options.keys
    contentBytes = max(1, options.valueBytes - RequestWriter.itemFrameBytes)
    text = ItemText(source, contentBytes: contentBytes)
    heads = Operation.allCases.map { RequestWriter.head($0, apiKey) }
  }

  private static func head(_ operation: Operation, _ apiKey: String?) -> [UInt8] {
    var head = ByteBuffer()
    head.append(#"{"action":""#)
    head.append(operation.name)
    head.append(#"","agent_id":"mfh-bench","#)
    if let apiKey {
      head.append(#""api_key":"#)
      JSONWriter.appendString(text: apiKey, to: &head)
      head.append(",")
    }
    head.append(#""key":""#)
    return head.bytes.array()
  }

  /// Makes `body` the next request: `key` nil is any key.
  mutating func write(_ operation: Operation, key: Int? = nil) {
    body.removeAll()
    let head = heads[operation.rawValue]
    body.append(head.span.bytes)
    appendKey(key ?? generator.below(keys))
    if operation == .put {
      body.append(RequestWriter.itemHead)
      text.append(bytes: contentBytes, &generator, to: &body)
      body.append(RequestWriter.itemTail)
    } else {
      body.append(#""}"#)
    }
  }

  mutating func choose(_ mix: Mix) -> Operation {
    mix.total == 1 ? mix.operation(at: 0) : mix.operation(at: generator.below(mix.total))
  }

  /// 25 bytes, such as agents use: `agent-042/memory/00012345`.
  private mutating func appendKey(_ number: Int) {
    body.append("agent-")
    appendDigits(number % 100, 3)
    body.append("/memory/")
    appendDigits(number, 8)
  }

  private mutating func appendDigits(_ number: Int, _ digits: Int) {
    body.append(zeros: digits)
    var rest = number
    for place in 1...digits {
      body.store(littleEndian: UInt8(48 + rest % 10), at: body.count - place)
      rest /= 10
    }
  }
}
