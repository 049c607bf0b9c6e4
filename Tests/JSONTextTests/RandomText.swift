/// Random texts that are JSON, nearly JSON, or made of its tokens.
import TestSupport

enum RandomText {
  private static let tokens = [
    "{", "}", "[", "]", ",", ":", " ", "\n", "true", "false", "null", "tru", "NaN", "Infinity", "0", "-1", "01", "1.",
    ".5",
    "1e5", "1e", "-", "+1", "\"a\"", "\"\"", "\"\\u0041\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\q\"", "\"", "\u{1}", "é",
    "//", "'", "\u{FEFF}", "\"\t\"",
  ]

  private static let pieces = [
    "a", "text that is longer than eight bytes", "é", "ß", "日本", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u0041",
    "\\u00e9",
    "\\u20AC", "\\ud83d\\ude00", "\\uDBFF\\uDFFF", "\\u0000", "\u{7F}", " ", "{", "]", ",",
  ]

  private static let numbers = [
    "0", "-0", "1", "-1", "10", "0.5", "1.25e10", "1E-5", "2e+3", "123456789012345678901234567890",
    "0.000000000000000000000000001", "-1.0",
  ]

  /// Appends a valid value.
  static func value(_ generator: inout SeededGenerator, depth: Int, _ text: inout [UInt8]) {
    space(&generator, &text)
    switch Int.random(in: 0..<(depth > 0 ? 8 : 4), using: &generator) {
    case 0: text += numbers.randomElement(using: &generator)!.utf8
    case 1: text += ["true", "false", "null"].randomElement(using: &generator)!.utf8
    case 2, 3: string(&generator, &text)
    case 4, 5: list(&generator, "[", "]", &text) { generator, text in value(&generator, depth: depth - 1, &text) }
    default:
      list(&generator, "{", "}", &text) { generator, text in
        space(&generator, &text)
        string(&generator, &text)
        space(&generator, &text)
        text.append(UInt8(ascii: ":"))
        value(&generator, depth: depth - 1, &text)
      }
    }
    space(&generator, &text)
  }

  private static func list(
    _ generator: inout SeededGenerator, _ opening: String, _ closing: String, _ text: inout [UInt8],
    _ element: (inout SeededGenerator, inout [UInt8]) -> Void
  ) {
    text += opening.utf8
    let count = Int.random(in: 0...4, using: &generator)
    for index in 0..<count {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      element(&generator, &text)
    }
    if count == 0 { space(&generator, &text) }
    text += closing.utf8
  }

  private static func string(_ generator: inout SeededGenerator, _ text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for _ in 0..<Int.random(in: 0...5, using: &generator) { text += pieces.randomElement(using: &generator)!.utf8 }
    text.append(UInt8(ascii: "\""))
  }

  private static func space(_ generator: inout SeededGenerator, _ text: inout [UInt8]) {
    if generator.next() % 4 == 0 { text += [" ", "\t", "\r\n", "  \n"].randomElement(using: &generator)!.utf8 }
  }

  /// Appends tokens in any order.
  static func soup(_ generator: inout SeededGenerator, _ text: inout [UInt8]) {
    for _ in 0..<Int.random(in: 0...7, using: &generator) { text += tokens.randomElement(using: &generator)!.utf8 }
  }

  /// Changes, inserts, removes or doubles a few bytes, or cuts the text.
  static func mutate(_ generator: inout SeededGenerator, _ text: inout [UInt8]) {
    for _ in 0...Int.random(in: 0...2, using: &generator) where !text.isEmpty {
      let position = Int.random(in: 0..<text.count, using: &generator)
      switch generator.next() % 6 {
      case 0: text[position] = UInt8.random(in: 0...255, using: &generator)
      case 1: text.insert(UInt8.random(in: 0...255, using: &generator), at: position)
      case 2: text.remove(at: position)
      case 3: text.insert(contentsOf: tokens.randomElement(using: &generator)!.utf8, at: position)
      case 4: text.removeSubrange(position...)
      default: text.insert(contentsOf: text[position..<min(position + 5, text.count)], at: position)
      }
    }
  }

  /// One of `choices` names, some of them in different spellings.
  static func name(_ generator: inout SeededGenerator, choices: Int) -> String {
    let number = Int.random(in: 0..<choices, using: &generator)
    switch generator.next() % 8 {
    case 0: return "\"\\u006e\(number)\""
    case 1: return "\"n\\u003\(number % 10)\""
    default: return "\"n\(number)\""
    }
  }
}
