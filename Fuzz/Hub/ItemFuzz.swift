/// Items on their way into the store. The first byte of an input says whether an item is replaced and whether the request
/// gives a time to live; then comes the item.
internal import Bytes
package import FuzzSupport
internal import Hub
internal import JSONText

package enum ItemFuzz: FuzzTarget {
  package static let name = "item"

  private struct Choices {
    var replaced: Int64?
    var expiry: Int64?

    init(_ mode: UInt8) {
      replaced = mode & 1 != 0 ? FuzzClock.start - 1_000_000 : nil
      expiry = mode & 2 != 0 ? FuzzClock.start + 1_000_000 : nil
    }
  }

  package static func run(_ input: RawSpan) throws(FuzzFailure) {
    guard input.byteCount > 1 else { return }
    var choices = Choices(input.u8(0))
    let text = input.extracting(1..<input.byteCount)
    var tape = JSONTape()
    guard (try? tape.parse(text)) != nil else { return }
    var stored = ByteBuffer()
    guard let first = try? normalise(tape, text, choices, to: &stored) else { return }
    try require(stored.count <= itemBytesMax, "an item over the limit was taken")
    var again = JSONTape()
    do {
      try again.parse(stored.bytes)
    } catch {
      throw FuzzFailure("the stored item is not JSON: \(error.text)")
    }
    var minified = ByteBuffer()
    JSONWriter.appendMinified(stored.bytes, to: &minified)
    try require(minified.bytes.equals(stored.bytes), "the stored item has white space")
    try checkMembers(tape, text, again, stored.bytes)
    // What a time to live has set is in the item by now, and a request can not give both.
    choices.expiry = nil
    try checkAgain(again, stored.bytes, choices, first)
  }

  private static let itemBytesMax = 1_024

  private static func normalise(
    _ tape: borrowing JSONTape, _ text: RawSpan, _ choices: Choices, to buffer: inout ByteBuffer
  ) throws(HubError) -> StoredItem {
    var normaliser = ItemNormaliser(
      node: JSONTape.root, now: FuzzClock.start, replacedCreation: choices.replaced, ttlExpiry: choices.expiry,
      itemBytesMax: itemBytesMax)
    let key = Array("key".utf8)
    return try normaliser.append(tape, text, key: key.span.bytes, to: &buffer)
  }

  /// The stored form of what is stored is itself.
  private static func checkAgain(
    _ tape: borrowing JSONTape, _ text: RawSpan, _ choices: Choices, _ first: StoredItem
  ) throws(FuzzFailure) {
    var twice = ByteBuffer()
    let second: StoredItem
    do {
      second = try normalise(tape, text, choices, to: &twice)
    } catch {
      throw FuzzFailure("the stored item is refused: \(error.message)")
    }
    try require(
      twice.bytes.equals(text), "stored once more, the item is \(twice.bytes.text()) instead of \(text.text())")
    try require(
      second.kind == first.kind && second.creationTime == first.creationTime && second.expiry == first.expiry,
      "stored once more, the item has another kind or other times")
  }

  /// No member is lost.
  private static func checkMembers(
    _ given: borrowing JSONTape, _ text: RawSpan, _ stored: borrowing JSONTape, _ storedText: RawSpan
  ) throws(FuzzFailure) {
    var name = given.firstChild(JSONTape.root)
    var wanted = ByteBuffer()
    var found = ByteBuffer()
    for _ in 0..<given.count(JSONTape.root) {
      wanted.removeAll()
      given.appendString(name, in: text, to: &wanted)
      let isNull = given.kind(name + 1) == .null
      name = given.after(name + 1)
      var other = stored.firstChild(JSONTape.root)
      var isThere = false
      for _ in 0..<stored.count(JSONTape.root) {
        found.removeAll()
        stored.appendString(other, in: storedText, to: &found)
        isThere = isThere || found.bytes.equals(wanted.bytes)
        other = stored.after(other + 1)
      }
      // A null of a known field means that it was not given.
      try require(isThere || isNull, "the member \(wanted.bytes.text()) is lost")
    }
  }

  package static var seeds: [FuzzSeed] {
    let items = [
      (
        "memory",
        #"{"content":{"a":[1,2.50]},"tags":["x","y"],"memory_type":"context","timestamp":"2025-01-02 03:04:05+01:00"}"#
      ),
      (
        "session",
        #"{"session_id":"s","context":{"k":1e400},"active":false,"last_activity":"2025-01-02T03:04:05.1234567Z"}"#
      ),
      (
        "knowledge",
        #"{"knowledge_id":"k","title":"t","content":"c","category":"x","confidence_score":0.99e-0,"access_count":3}"#
      ),
      (
        "typed",
        #"{"item_type":"session","session_id":"s","expiry_timestamp":"2030-01-01T00:00:00Z","unknown":{"a": [ 1 ] }}"#
      ),
      (
        "key",
        #"{"key":" key ","content":[],"metadata":null,"updated_at":"1970-01-01T00:00:00z","source_agent":"\u0061"}"#
      ),
    ]
    var seeds: [FuzzSeed] = []
    for (name, text) in items {
      for mode: UInt8 in 0...3 { seeds.append(FuzzSeed("\(name)-\(mode)", [mode] + Array(text.utf8))) }
    }
    return seeds
  }
}
