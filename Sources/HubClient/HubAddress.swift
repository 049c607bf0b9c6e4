/// Where a hub listens, as libzmq writes it: `tcp://127.0.0.1:5713`.
package struct HubAddress: Sendable, Equatable, CustomStringConvertible {
  package let text: String

  package static let standard = HubAddress(trusted: "tcp://127.0.0.1:5713")

  package var description: String { text }

  private init(trusted text: String) { self.text = text }

  /// - Returns: nil for what can never be connected to: libzmq would find out only later, or not at all.
  package init?(_ text: String) {
    guard text.utf8.count <= 1_024, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
    if text.hasPrefix("ipc://") {
      guard text.utf8.count > 6 else { return nil }
    } else {
      guard text.hasPrefix("tcp://"), let colon = text.lastIndex(of: ":") else { return nil }
      let host = text[text.index(text.startIndex, offsetBy: 6)..<max(colon, text.index(text.startIndex, offsetBy: 6))]
      let port = text[text.index(after: colon)...]
      guard !host.isEmpty, host != "*", !port.isEmpty, port.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
        let number = UInt16(port), number > 0
      else { return nil }
      // Without brackets the last group of an IPv6 address would be taken for the port.
      guard !host.contains(":") || (host.hasPrefix("[") && host.hasSuffix("]")) else { return nil }
    }
    self.text = text
  }

  var isVersion6: Bool { text.hasPrefix("tcp://[") }
}
