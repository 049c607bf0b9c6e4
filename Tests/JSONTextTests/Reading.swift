/// Reads one text twice: with the tape under test and with RapidJSON, both as the same list of tokens.
import Bytes
import JSONOracle
import JSONText

/// What a reader made of a text.
enum Reading: Equatable {
  case tokens([UInt8])
  case refused(JSONError)

  var refusal: JSONError.Reason? {
    if case .refused(let error) = self { error.reason } else { nil }
  }

  var isValid: Bool { refusal == nil }
}

/// A tape that is used again and again, as the server uses its own.
struct Reader: ~Copyable {
  var tape = JSONTape()
  private var scratch = ByteBuffer()

  mutating func read(_ text: [UInt8]) -> Reading {
    do {
      try tape.parse(text.span.bytes)
    } catch {
      return .refused(error)
    }
    var tokens = ByteBuffer()
    Reader.append(JSONTape.root, tape, text.span.bytes, &scratch, to: &tokens)
    return .tokens(tokens.bytes.array())
  }

  mutating func read(_ text: String) -> Reading { read(Array(text.utf8)) }

  private static func append(
    _ node: Int, _ tape: borrowing JSONTape, _ text: RawSpan, _ scratch: inout ByteBuffer,
    to tokens: inout ByteBuffer
  ) {
    switch tape.kind(node) {
    case .true: tokens.append(UInt8(ascii: "t"))
    case .false: tokens.append(UInt8(ascii: "f"))
    case .null: tokens.append(UInt8(ascii: "z"))
    case .number:
      tokens.append(UInt8(ascii: "n"))
      tokens.append(littleEndian: UInt32(tape.range(node).count))
      tokens.append(text.extracting(tape.range(node)))
    case .string:
      scratch.removeAll()
      tape.appendString(node, in: text, to: &scratch)
      tokens.append(UInt8(ascii: "s"))
      tokens.append(littleEndian: UInt32(scratch.count))
      tokens.append(scratch.bytes)
    case .object, .array:
      let isObject = tape.kind(node) == .object
      tokens.append(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
      var child = tape.firstChild(node)
      for _ in 0..<(tape.count(node) * (isObject ? 2 : 1)) {
        append(child, tape, text, &scratch, to: &tokens)
        child = tape.after(child)
      }
      tokens.append(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"))
    }
  }
}

/// RapidJSON's reading of a text.
struct OracleReading {
  enum Verdict { case valid, invalid, noAnswer }

  let verdict: Verdict
  let tokens: [UInt8]
  let depth: Int

  init(_ text: [UInt8]) {
    var tokens: UnsafeMutablePointer<UInt8>?
    var length = 0
    var depth = 0
    let verdict = text.withUnsafeBytes { json_oracle_read($0.baseAddress, $0.count, &tokens, &length, &depth) }
    self.tokens = Array(UnsafeBufferPointer(start: tokens, count: length))
    self.depth = depth
    json_oracle_free(tokens)
    self.verdict =
      switch verdict {
      case json_oracle_valid: .valid
      case json_oracle_invalid: .invalid
      default: .noAnswer
      }
  }

  /// Whether an object among the tokens has a name twice.
  var hasDuplicateName: Bool {
    var open: [(names: Set<ArraySlice<UInt8>>, isObject: Bool, expectsName: Bool)] = []
    var position = 0
    while position < tokens.count {
      let kind = tokens[position]
      position += 1
      switch kind {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        open.append(([], kind == UInt8(ascii: "{"), true))
        continue
      case UInt8(ascii: "}"), UInt8(ascii: "]"): open.removeLast()
      case UInt8(ascii: "s"), UInt8(ascii: "n"):
        let length = (0..<4).reduce(0) { $0 | Int(tokens[position + $1]) << ($1 * 8) }
        let value = tokens[(position + 4)..<(position + 4 + length)]
        position += 4 + length
        if let last = open.indices.last, open[last].isObject, open[last].expectsName {
          if !open[last].names.insert(value).inserted { return true }
          open[last].expectsName = false
          continue
        }
      default: break
      }
      if let last = open.indices.last { open[last].expectsName = true }
    }
    return false
  }
}

/// nil when the tape and RapidJSON agree on `text`, but for what our rules refuse on purpose; otherwise what differs.
func disagreement(_ text: [UInt8], _ reader: inout Reader) -> String? {
  let ours = reader.read(text)
  let oracle = OracleReading(text)
  func differs(_ what: String) -> String { "\(what): \(String(decoding: text, as: UTF8.self)) \(ours) \(text)" }
  switch (ours, oracle.verdict) {
  case (_, .noAnswer): return nil
  case (.tokens(let tokens), .valid):
    if oracle.depth > JSONTape.depthMax || oracle.hasDuplicateName { return differs("too lenient") }
    return tokens == oracle.tokens ? nil : differs("another reading")
  case (.tokens, .invalid): return differs("accepted")
  case (.refused, .invalid): return nil
  case (.refused(let error), .valid):
    let isOnPurpose =
      switch error.reason {
      case .tooDeep: oracle.depth > JSONTape.depthMax
      case .duplicateName: oracle.hasDuplicateName
      // RapidJSON lets the second half of a pair stand alone.
      case .loneSurrogate: true
      default: false
      }
    return isOnPurpose ? nil : differs("refused")
  }
}
