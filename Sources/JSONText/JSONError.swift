/// Why a text is not JSON as this project reads it (RFC 8259, strictly, plus unique names and a depth limit).
package struct JSONError: Error, Equatable, Sendable {
  package enum Reason: String, Sendable, CaseIterable {
    case empty = "the text is empty"
    case unexpectedByte = "this byte can not stand here"
    case unexpectedEnd = "the text ends too early"
    case trailingBytes = "something follows the value"
    case badLiteral = "only true, false and null may be written without quotes"
    case badNumber = "this is not a JSON number"
    case badEscape = "this escape does not exist"
    case loneSurrogate = "half of a surrogate pair stands alone"
    case controlCharacter = "a control character in a string must be escaped"
    case invalidUTF8 = "these bytes are not UTF-8"
    case tooDeep = "the nesting is too deep"
    case duplicateName = "the object has this name twice"
    case tooLong = "the text is too long"
  }

  package let reason: Reason
  /// The byte of the text, from 0.
  package let offset: Int

  package init(_ reason: Reason, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  package var text: String { "\(reason.rawValue) (byte \(offset))" }
}
