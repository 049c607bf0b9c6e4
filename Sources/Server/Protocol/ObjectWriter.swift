/// Writes the members of a JSON object for replies that are rare and wide.
internal import Bytes
internal import JSONText

struct ObjectWriter {
  private var isFirst = true

  mutating func begin(_ buffer: inout ByteBuffer) { buffer.append("{") }

  func end(_ buffer: inout ByteBuffer) { buffer.append("}") }

  mutating func name(_ name: String, _ buffer: inout ByteBuffer) {
    if !isFirst { buffer.append(",") }
    isFirst = false
    JSONWriter.appendString(text: name, to: &buffer)
    buffer.append(":")
  }

  mutating func number(_ name: StaticString, _ value: UInt64, _ buffer: inout ByteBuffer) {
    self.name("\(name)", &buffer)
    buffer.append(decimal: value)
  }

  static func append(_ value: String, _ buffer: inout ByteBuffer) {
    JSONWriter.appendString(text: value, to: &buffer)
  }

  mutating func text(_ name: String, _ value: String, _ buffer: inout ByteBuffer) {
    self.name(name, &buffer)
    JSONWriter.appendString(text: value, to: &buffer)
  }
}
