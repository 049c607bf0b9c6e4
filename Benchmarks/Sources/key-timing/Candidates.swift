/// Wrong keys of two kinds, all of one length, and the right one.
import Access
import Bytes
import HistoryTree

struct Candidates {
  static let perKind = 1_024

  private let id = KeyID.random()
  private let right: [UInt8]
  private let near: [[UInt8]]
  private let far: [[UInt8]]

  init() {
    let token = Array(AccessToken.random(id).utf8)
    right = token
    // The last two letters are others; everything before them is right.
    near = (0..<Candidates.perKind).map { number in
      var letters = token
      letters[letters.count - 1] = Candidates.other(than: token[token.count - 1], number)
      letters[letters.count - 2] = Candidates.other(than: token[token.count - 2], number / 31)
      return letters
    }
    let id = id
    far = (0..<Candidates.perKind).map { _ in Array(AccessToken.random(id).utf8) }
  }

  private static func other(than letter: UInt8, _ number: Int) -> UInt8 {
    let letters = Array("abcdefghijklmnopqrstuvwxyz234567".utf8).filter { $0 != letter }
    return letters[number % letters.count]
  }

  func pick(isNear: Bool, _ number: Int) -> [UInt8] { isNear ? near[number] : far[number] }

  func ring() -> KeyRing {
    do {
      return KeyRing([
        try KeyEntry(
          id: id, agent: "timing", credential: .token(AccessToken.digest(right.span.bytes)),
          permissions: [try Permission("read:*")], created: "now")
      ])
    } catch {
      preconditionFailure("a key is a key: \(error)")
    }
  }

  /// What must not be done: it ends at the first letter that is wrong.
  @inline(never) func isWrongByteByByte(_ candidate: RawSpan) -> Bool {
    for position in 0..<right.count where candidate.u8(position) != right[position] { return true }
    return false
  }
}
