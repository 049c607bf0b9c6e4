/// Log lines as JSON on standard error: one object a line, one system call a line.
internal import Bytes
internal import Glibc
internal import Hub
internal import JSONText
package import Logging

package struct JSONLogHandler: LogHandler {
  package var logLevel: Logger.Level
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?

  private let component: String
  private let descriptor: Int32

  /// - Parameters:
  ///   - component: The label of the logger.
  ///   - descriptor: Where the lines go: standard error, or in tests a file.
  package init(component: String, level: Logger.Level, descriptor: Int32 = STDERR_FILENO) {
    self.component = component
    logLevel = level
    self.descriptor = descriptor
  }

  /// Makes it the handler of every logger of the process. Call it once.
  package static func install(level: Logger.Level) {
    LoggingSystem.bootstrap { JSONLogHandler(component: $0, level: level) }
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { _, newer in newer } }
    if let given = event.metadata { fields.merge(given) { _, newer in newer } }
    if let error = event.error, fields["error"] == nil { fields["error"] = "\(error)" }
    var line = LogLine(time: LogLine.now())
    line.append("level", event.level.rawValue)
    line.append("component", component)
    line.append("message", event.message.description)
    line.append(fields)
    line.write(to: descriptor)
  }
}

/// One line of the log while it is being put together.
private struct LogLine: ~Copyable {
  private static let fixedNames: Set<String> = ["time", "level", "component", "message"]
  /// A line longer than this is cut in its values: what goes into a log may come from a client.
  private static let valueBytesMax = 8 << 10

  private var text = ByteBuffer(capacity: 512)

  init(time microseconds: Int64) {
    text.append("{\"time\":\"")
    Timestamp.append(microseconds, to: &text)
    text.append("\"")
  }

  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }

  mutating func append(_ name: String, _ value: String) {
    appendName(name)
    appendString(value)
  }

  /// In byte order, so that the same event always gives the same line; the correlation comes first.
  mutating func append(_ fields: Logger.Metadata) {
    if let correlation = fields["correlation_id"] { append("correlation_id", correlation.description) }
    for name in fields.keys.sorted() where name != "correlation_id" {
      guard let value = fields[name] else { continue }
      appendName(LogLine.fixedNames.contains(name) ? "field_" + name : name)
      appendValue(value, depth: 0)
    }
  }

  private mutating func appendName(_ name: String) {
    text.append(",")
    appendString(name)
    text.append(":")
  }

  private mutating func appendString(_ value: String) {
    let isLong = value.utf8.count > LogLine.valueBytesMax
    var string = ByteBuffer(capacity: 64)
    JSONWriter.appendString(text: isLong ? String(value.prefix(1_024)) + "…" : value, to: &string)
    LogText.append(string.bytes, to: &text)
  }

  private mutating func appendValue(_ value: Logger.MetadataValue, depth: Int) {
    switch value {
    case .array(let elements) where depth < 8:
      text.append("[")
      for (index, element) in elements.enumerated() {
        if index > 0 { text.append(",") }
        appendValue(element, depth: depth + 1)
      }
      text.append("]")
    case .dictionary(let members) where depth < 8:
      text.append("{")
      for (index, name) in members.keys.sorted().enumerated() {
        guard let member = members[name] else { continue }
        if index > 0 { text.append(",") }
        appendString(name)
        text.append(":")
        appendValue(member, depth: depth + 1)
      }
      text.append("}")
    default: appendString(value.description)
    }
  }

  /// One call for the whole line: two threads' lines do not mix. What can not be written is lost, because a log that
  /// stops the service is worse than a log with a gap.
  consuming func write(to descriptor: Int32) {
    text.append("}\n")
    let bytes = text.bytes.array()
    var outcome = Glibc.write(descriptor, bytes, bytes.count)
    while outcome < 0, errno == EINTR { outcome = Glibc.write(descriptor, bytes, bytes.count) }
  }
}
