/// Where a listener listens: nowhere, on a port that is free, or on this one.
package enum ListenerPort: Sendable, Equatable, CustomStringConvertible {
  case off
  case automatic
  /// 1 to 65535.
  case number(UInt16)

  /// Reads `auto` or a number from 0 (off) to 65535.
  init?(_ text: String) {
    if text == "auto" {
      self = .automatic
    } else if text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = UInt16(text) {
      self = number == 0 ? .off : .number(number)
    } else {
      return nil
    }
  }

  package var description: String {
    switch self {
    case .off: "0"
    case .automatic: "auto"
    case .number(let number): String(number)
    }
  }
}
