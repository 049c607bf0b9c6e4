/// One field of an item as it was given, and the checks that its rule asks for. Each check returns where the value lies
/// in the text, nil when it was not given, and throws `invalid_item` with the field's name.
internal import Bytes
internal import JSONText

struct GivenField {
  let name: StaticString
  /// The value's node; nil when the field is absent or null.
  let node: Int?

  // MARK: Strings

  func string(_ tape: borrowing JSONTape) throws(HubError) -> Range<Int>? {
    guard let node else { return nil }
    guard tape.kind(node) == .string else { throw expected("a string", tape, node) }
    return tape.range(node)
  }

  func requiredString(isID: Bool, _ tape: borrowing JSONTape) throws(HubError) -> Range<Int> {
    guard let range = try string(tape) else { throw missing("a string") }
    if isID, range.count == 2 { throw HubError(.invalidItem, "field \"\(name)\" is empty: an item needs an id") }
    return range
  }

  /// Lower-case letters, digits, `_` and `-`, 1 to 64 of them.
  func memoryType(_ tape: borrowing JSONTape, _ text: RawSpan) throws(HubError) -> Range<Int>? {
    guard let node, let range = try string(tape) else { return nil }
    guard GivenField.isMemoryType(text.extracting(range.inner)) || GivenField.isMemoryType(decoded(node, tape, text))
    else {
      throw HubError(
        .invalidItem,
        "field \"\(name)\" must be 1 to 64 of a-z, 0-9, _ and -, it is \(ItemError.excerpt(text.extracting(range)))")
    }
    return range
  }

  private static func isMemoryType(_ value: borrowing ByteBuffer) -> Bool { isMemoryType(value.bytes) }

  private static func isMemoryType(_ value: RawSpan) -> Bool {
    for position in 0..<value.byteCount {
      switch value.u8(position) {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
        UInt8(ascii: "-"):
        continue
      default: return false
      }
    }
    return value.byteCount >= 1 && value.byteCount <= 64
  }

  /// The value of a string whose text alone did not pass: it may be spelt with escapes.
  private func decoded(_ node: Int, _ tape: borrowing JSONTape, _ text: RawSpan) -> ByteBuffer {
    var value = ByteBuffer(capacity: 64)
    tape.appendString(node, in: text, to: &value)
    return value
  }

  /// Microseconds since 1970.
  func time(_ tape: borrowing JSONTape, _ text: RawSpan) throws(HubError) -> Int64? {
    guard let node, let range = try string(tape) else { return nil }
    guard let time = Timestamp.parse(text.extracting(range.inner)) ?? GivenField.time(decoded(node, tape, text)) else {
      throw HubError(
        .invalidItem,
        "field \"\(name)\" must be an RFC 3339 time such as 2025-08-07T17:30:00Z, it is "
          + ItemError.excerpt(text.extracting(range)))
    }
    return time
  }

  private static func time(_ value: borrowing ByteBuffer) -> Int64? { Timestamp.parse(value.bytes) }

  // MARK: Containers

  func content(_ allowsArray: Bool, _ tape: borrowing JSONTape) throws(HubError) -> Range<Int> {
    let what = allowsArray ? "a string, an object or an array" : "a string or an object"
    guard let node else { throw missing(what) }
    switch tape.kind(node) {
    case .string, .object: return tape.range(node)
    case .array where allowsArray: return tape.range(node)
    case .array, .number, .true, .false, .null: throw expected(what, tape, node)
    }
  }

  func object(_ tape: borrowing JSONTape) throws(HubError) -> Range<Int>? {
    guard let node else { return nil }
    guard tape.kind(node) == .object else { throw expected("an object", tape, node) }
    return tape.range(node)
  }

  func strings(_ tape: borrowing JSONTape) throws(HubError) -> Range<Int>? {
    guard let node else { return nil }
    guard tape.kind(node) == .array else { throw expected("an array of strings", tape, node) }
    var element = tape.firstChild(node)
    for index in 0..<tape.count(node) {
      guard tape.kind(element) == .string else {
        throw HubError(
          .invalidItem,
          "field \"\(name)\" must be an array of strings; element \(index) is "
            + ItemError.name(of: tape.kind(element)))
      }
      element = tape.after(element)
    }
    return tape.range(node)
  }

  // MARK: Flags and numbers

  func flag(_ tape: borrowing JSONTape) throws(HubError) -> Range<Int>? {
    guard let node else { return nil }
    guard tape.kind(node) == .true || tape.kind(node) == .false else {
      throw expected("true or false", tape, node)
    }
    return tape.range(node)
  }

  /// 0 to 1, compared as text: no digit is lost.
  func confidence(_ tape: borrowing JSONTape, _ text: RawSpan) throws(HubError) -> Range<Int>? {
    guard let node else { return nil }
    guard tape.kind(node) == .number else { throw expected("a number from 0 to 1", tape, node) }
    let range = tape.range(node)
    guard DecimalText.isBetweenZeroAndOne(text.extracting(range)) else {
      throw HubError(
        .invalidItem,
        "field \"\(name)\" must be a number from 0 to 1, it is \(ItemError.excerpt(text.extracting(range)))")
    }
    return range
  }

  func count(_ tape: borrowing JSONTape, _ text: RawSpan) throws(HubError) -> Range<Int>? {
    guard let node else { return nil }
    let range = tape.range(node)
    guard tape.kind(node) == .number, text.extracting(range).isDigits else {
      throw expected("a whole number from 0 on", tape, node)
    }
    return range
  }

  // MARK: Errors

  private func expected(_ what: String, _ tape: borrowing JSONTape, _ node: Int) -> HubError {
    HubError(.invalidItem, "field \"\(name)\" must be \(what), it is \(ItemError.name(of: tape.kind(node)))")
  }

  private func missing(_ what: String) -> HubError {
    HubError(.invalidItem, "field \"\(name)\" is missing: it must be \(what)")
  }
}

extension Range<Int> {
  /// A string's text without its quotes.
  fileprivate var inner: Range<Int> { lowerBound + 1..<upperBound - 1 }
}

extension RawSpan {
  fileprivate var isDigits: Bool {
    for position in 0..<byteCount where u8(position) < 0x30 || u8(position) > 0x39 { return false }
    return byteCount > 0
  }
}
