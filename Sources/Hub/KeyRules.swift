/// Which byte strings may be keys. CONTRACT: "Limits".
internal import Bytes

package enum KeyRules {
  /// The part of `key` that counts: without ASCII white space at both ends.
  ///
  /// - Throws: `invalid_request` for an empty key or one with control characters, `too_large` beyond the limit.
  package static func trimmed(_ key: RawSpan, limits: HubLimits) throws(HubError) -> Range<Int> {
    let (start, end) = bounds(key)
    guard start < end else { throw HubError(.invalidRequest, "the key is empty: give it at least one character") }
    guard end - start <= limits.keyBytes else {
      throw HubError(.tooLarge, "the key has \(end - start) bytes, the limit key_bytes is \(limits.keyBytes)")
    }
    for position in start..<end where isControl(key, position, end) {
      throw HubError(.invalidRequest, "the key has a control character at byte \(position - start): leave it out")
    }
    return start..<end
  }

  fileprivate static func bounds(_ key: RawSpan) -> (Int, Int) {
    var start = 0
    var end = key.byteCount
    while start < end, isSpace(key.u8(start)) { start += 1 }
    while end > start, isSpace(key.u8(end - 1)) { end -= 1 }
    return (start, end)
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }

  /// U+0000…U+001F, U+007F, and U+0080…U+009F, which UTF-8 writes as C2 80…C2 9F.
  private static func isControl(_ key: RawSpan, _ position: Int, _ end: Int) -> Bool {
    let byte = key.u8(position)
    if byte < 0x20 || byte == 0x7F { return true }
    return byte == 0xC2 && position + 1 < end && key.u8(position + 1) < 0xA0
  }
}

extension RawSpan {
  /// Without ASCII white space at both ends.
  @_lifetime(copy self)
  func trimmedOfSpace() -> RawSpan {
    let (start, end) = KeyRules.bounds(self)
    return extracting(start..<end)
  }
}
