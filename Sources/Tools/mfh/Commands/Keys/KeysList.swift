/// `mfh keys list`.
internal import Access
internal import ArgumentParser
internal import Bytes
internal import JSONText
internal import Programs
internal import ToolSupport

struct KeysList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Shows whose keys there are, what they allow, and which are revoked.",
    usage: "mfh keys list --file <file>",
    discussion: """
      The keys themselves are nowhere: what the file has of an API key can not be turned back into it.

      Examples:
        mfh keys list --file /etc/mfh/keys
        mfh keys list --file /etc/mfh/keys --format json | jq 'select(.revoked == null)'
      """)

  @OptionGroup var options: KeyFileOptions

  func run() throws {
    let entries = try KeyFileEditor.read(try options.path).entries
    let output = Output()
    if options.format == .json {
      for entry in entries { KeysList.appendJSON(entry, to: &output.buffer) }
    } else {
      var table = TablePrinter(
        ["KEY", "KIND", "AGENT", "CREATED", "REVOKED", "ALLOWS"].map { .init(title: $0) }, lineColumns: nil)
      for entry in entries {
        for cell in KeysList.cells(entry) {
          var text = ByteBuffer(capacity: cell.utf8.count)
          text.append(text: cell)
          table.add(text.bytes)
        }
        table.endRow(&output.buffer)
      }
      table.finish(&output.buffer)
    }
    output.flush()
    if let failure = output.failure { throw Failure(.inputOutput, "standard output: \(failure)") }
  }

  private static func cells(_ entry: KeyEntry) -> [String] {
    [
      entry.id.description, kind(entry), entry.agent ?? "-", entry.created, entry.revoked ?? "-",
      entry.agent == nil ? "to connect" : entry.permissions.map(\.description).joined(separator: " "),
    ]
  }

  private static func kind(_ entry: KeyEntry) -> String {
    switch entry.credential {
    case .token: "api"
    case .curve: "curve"
    case .certificate: "tls"
    }
  }

  private static func appendJSON(_ entry: KeyEntry, to buffer: inout ByteBuffer) {
    buffer.append(text: "{\"key\":\"\(entry.id)\",\"kind\":\"\(kind(entry))\",\"agent_id\":")
    append(entry.agent, to: &buffer)
    buffer.append(",\"allow\":[")
    for (index, permission) in entry.permissions.enumerated() {
      if index > 0 { buffer.append(",") }
      JSONWriter.appendString(text: permission.description, to: &buffer)
    }
    buffer.append("],\"created\":")
    append(entry.created, to: &buffer)
    buffer.append(",\"revoked\":")
    append(entry.revoked, to: &buffer)
    switch entry.credential {
    case .token: break
    case .curve(let key):
      buffer.append(",\"curve_public_key\":")
      append(key.description, to: &buffer)
    case .certificate(let pin):
      buffer.append(",\"tls_key_sha256\":")
      append(pin.description, to: &buffer)
    }
    buffer.append("}\n")
  }

  private static func append(_ text: String?, to buffer: inout ByteBuffer) {
    guard let text else { return buffer.append("null") }
    JSONWriter.appendString(text: text, to: &buffer)
  }
}
