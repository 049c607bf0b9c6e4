/// A request that is being written: a JSON object, member by member.
package import Bytes
internal import JSONText

package struct HubRequest: ~Copyable {
  package private(set) var text: ByteBuffer

  /// Begins with the members that every request may have.
  ///
  /// - Parameter agentID: who asks; nil or empty for nobody in particular. Without one a `request_id` does not make a
  ///   write repeatable.
  package init(_ action: StaticString, agentID: String? = nil, apiKey: APIKey? = nil) {
    text = ByteBuffer(capacity: 512)
    text.append("{\"action\":\"")
    text.append(action)
    text.append("\"")
    if let agentID, !agentID.isEmpty { add("agent_id", agentID) }
    if let apiKey { add("api_key", apiKey.text) }
  }

  package mutating func add(_ name: StaticString, _ value: String) {
    begin(name)
    JSONWriter.appendString(text: value, to: &text)
  }

  package mutating func add(_ name: StaticString, _ value: UInt64) {
    begin(name)
    text.append(decimal: value)
  }

  /// Adds a value that is JSON text already.
  package mutating func add(_ name: StaticString, json value: RawSpan) {
    begin(name)
    text.append(value)
  }

  private mutating func begin(_ name: StaticString) {
    text.append(",\"")
    text.append(name)
    text.append("\":")
  }

  /// The complete text.
  consuming func finished() -> ByteBuffer {
    text.append("}")
    return text
  }
}
