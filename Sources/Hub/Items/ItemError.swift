/// Words for messages about items.
internal import Bytes
internal import JSONText

enum ItemError {
  static func name(of kind: JSONNode.Kind) -> String {
    switch kind {
    case .object: "an object"
    case .array: "an array"
    case .string: "a string"
    case .number: "a number"
    case .true: "true"
    case .false: "false"
    case .null: "null"
    }
  }

  private static let excerptBytes = 40

  /// A value's text, shortened.
  static func excerpt(_ text: RawSpan) -> String {
    guard text.byteCount > excerptBytes else { return text.text() }
    return text.extracting(0..<excerptBytes).text() + "…"
  }
}
