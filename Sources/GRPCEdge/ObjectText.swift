/// Builds a JSON object member by member: the requests that calls are translated into.
internal import Bytes
internal import GRPCCore
internal import Hub
internal import JSONText

struct ObjectText: ~Copyable {
  private var text = ByteBuffer(capacity: 512)
  private var isFirst = true

  init() { text.append("{") }

  private mutating func begin(_ name: StaticString) {
    text.append(isFirst ? "\"" : ",\"")
    isFirst = false
    text.append(name)
    text.append("\":")
  }

  mutating func string(_ name: StaticString, _ value: String) {
    begin(name)
    JSONWriter.appendString(text: value, to: &text)
  }

  /// A member that is left out when it is empty: what proto3 can not tell from one that was not given.
  mutating func given(_ name: StaticString, _ value: String) { if !value.isEmpty { string(name, value) } }

  mutating func number(_ name: StaticString, _ value: some BinaryInteger) {
    begin(name)
    text.append(text: String(value))
  }

  mutating func strings(_ name: StaticString, _ values: [String]) {
    begin(name)
    text.append("[")
    for (index, value) in values.enumerated() {
      if index > 0 { text.append(",") }
      JSONWriter.appendString(text: value, to: &text)
    }
    text.append("]")
  }

  /// Names and strings, in the order of the names: the same map gives the same text.
  mutating func map(_ name: StaticString, _ values: [String: String]) {
    begin(name)
    text.append("{")
    for (index, key) in values.keys.sorted().enumerated() {
      if index > 0 { text.append(",") }
      JSONWriter.appendString(text: key, to: &text)
      text.append(":")
      JSONWriter.appendString(text: values[key] ?? "", to: &text)
    }
    text.append("}")
  }

  /// JSON that is known to be one value: this is checked, so that nobody can close the object from within.
  mutating func json(_ name: StaticString, _ value: String, what: String) throws(RPCError) {
    let bytes = Array(value.utf8)
    do {
      _ = try JSONDocument(bytes)
    } catch {
      throw RPCError(.invalidJSON, "\(what) is not valid JSON: \(error.text)")
    }
    trusted(name, bytes)
  }

  /// JSON that was made here.
  mutating func trusted(_ name: StaticString, _ value: [UInt8]) {
    begin(name)
    text.append(value.span.bytes)
  }

  mutating func trusted(_ name: StaticString, elements: [[UInt8]]) {
    begin(name)
    text.append("[")
    for (index, element) in elements.enumerated() {
      if index > 0 { text.append(",") }
      text.append(element.span.bytes)
    }
    text.append("]")
  }

  consuming func end() -> [UInt8] {
    text.append("}")
    return ObjectText.array(text)
  }

  private static func array(_ text: borrowing ByteBuffer) -> [UInt8] { text.bytes.array() }
}
