/// Addresses that listeners bind to: what is one, and whether anybody else can reach it.
internal import Glibc

package enum BindAddress {
  /// The numeric form of `text`: `localhost` is 127.0.0.1, `*` is 0.0.0.0, brackets around IPv6 are taken off.
  static func normalised(_ text: String) throws(SettingRefusal) -> String {
    switch text {
    case "localhost": return "127.0.0.1"
    case "*": return "0.0.0.0"
    default: break
    }
    let address = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
    guard version4(address) != nil || version6(address) != nil else {
      throw SettingRefusal(
        "expected \(SettingKind.address.expectation), found \(PrintableText.quoted(text)); host names are not looked up"
      )
    }
    return address
  }

  static func isVersion6(_ address: String) -> Bool { version6(address) != nil }

  /// The address as it stands in front of a port: IPv6 in brackets.
  package static func inURL(_ address: String) -> String { isVersion6(address) ? "[\(address)]" : address }

  /// Whether only this machine can reach a listener there.
  static func isLoopback(_ address: String) -> Bool {
    if let bytes = version4(address) { return bytes[0] == 127 }
    guard let bytes = version6(address) else { return false }
    let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
    return isMapped ? bytes[12] == 127 : bytes[..<15].allSatisfy { $0 == 0 } && bytes[15] == 1
  }

  private static func version4(_ text: String) -> [UInt8]? { parsed(text, AF_INET, byteCount: 4) }
  private static func version6(_ text: String) -> [UInt8]? { parsed(text, AF_INET6, byteCount: 16) }

  private static func parsed(_ text: String, _ family: Int32, byteCount: Int) -> [UInt8]? {
    guard !text.utf8.contains(0) else { return nil }
    var bytes = [UInt8](repeating: 0, count: byteCount)
    return inet_pton(family, text, &bytes) == 1 ? bytes : nil
  }
}
