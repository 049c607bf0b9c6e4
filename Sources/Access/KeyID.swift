/// The short public name of a key: what operators, logs and revocations call it. It says nothing of the key itself.
internal import Bytes

package struct KeyID: Hashable, Sendable, CustomStringConvertible {
  /// The eight letters, as one number: finding a key compares numbers, not texts.
  private let letters: UInt64

  package static let letterCount = 8
  /// Lower-case base32 without 0, 1, 8 and 9, which are read as letters.
  static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

  /// The id that stands at `offset`; nil when no id stands there.
  package init?(_ text: RawSpan, at offset: Int = 0) {
    guard offset + KeyID.letterCount <= text.byteCount else { return nil }
    for position in offset..<offset + KeyID.letterCount where !KeyID.isLetter(text.u8(position)) { return nil }
    letters = text.u64(offset)
  }

  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == KeyID.letterCount else { return nil }
    self.init(bytes.span.bytes)
  }

  /// 40 random bits. Whoever makes keys looks whether one has this id already.
  package static func random() -> KeyID {
    guard let id = KeyID(RandomText.letters(letterCount)) else { preconditionFailure("made of its letters") }
    return id
  }

  private static func isLetter(_ byte: UInt8) -> Bool { byte >= 0x61 && byte <= 0x7A || byte >= 0x32 && byte <= 0x37 }

  package var description: String {
    var rest = letters
    var text = ""
    for _ in 0..<KeyID.letterCount {
      text.unicodeScalars.append(Unicode.Scalar(UInt8(truncatingIfNeeded: rest)))
      rest >>= 8
    }
    return text
  }
}
