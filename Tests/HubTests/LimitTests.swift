/// Sizes at their limits, and records that this version can not hold. CONTRACT: "Limits".
import Bytes
@testable import Hub
import KeyIndex
import LogStore
import Testing

@Suite struct LimitTests {
  /// As the server's own: the first segment is what bounds a commit.
  private static let serverSegments = LogOptions(durability: .none, usesThreads: false)

  private static func memory(ofStoredBytes bytes: Int, key: String) -> String {
    let frame = ItemFixture.memory(content: #""""#, key: key).utf8.count
    return #"{"content":"\#(String(repeating: "x", count: bytes - frame))"}"#
  }

  @Test("The longest key, the longest names and the largest item that can be configured are stored and read back")
  func atTheLimits() throws {
    var limits = HubLimits()
    limits.itemBytes = HubLimits.itemBytesRange.upperBound
    limits.keyBytes = HubLimits.keyBytesRange.upperBound
    let fixture = try HubFixture(limits: limits, options: Self.serverSegments)
    let key = String(repeating: "k", count: limits.keyBytes)
    let name = String(repeating: "n", count: limits.identifierBytes)
    let author = Author(agent: name, request: name, correlation: name)
    let item = Self.memory(ofStoredBytes: limits.itemBytes, key: key)
    try fixture.put(key, item, ttl: nil, by: author)
    try fixture.put(key, item, by: author)  // a repeat
    let timeBytes = Timestamp.textBytes + 2 - 4  // in place of null
    try fixture.put(
      "other", Self.memory(ofStoredBytes: limits.itemBytes - timeBytes, key: "other"), ttl: 1_000)
    try fixture.acknowledge()
    let seen = try fixture.get(key)
    #expect(seen?.item.utf8.count == limits.itemBytes && seen?.revision == 1)
    try fixture.reopen()
    #expect(try fixture.get(key) == seen)
    #expect(try fixture.put(key, item, by: author).result.revision.value == 1)
    let update = Self.memory(ofStoredBytes: limits.itemBytes - timeBytes, key: key)  // updated_at is a time now
    #expect(try fixture.put(key, update, ifRevision: 1).result.revision.value == 3)
    try fixture.acknowledge()
    #expect(throws: HubError.self) {
      try fixture.put(key, Self.memory(ofStoredBytes: limits.itemBytes + 1, key: key))
    }
  }

  @Test("Items close to 1 MiB are taken up to the byte, and go on over many segments")
  func largeItems() throws {
    let fixture = try HubFixture(
      options: LogOptions(
        durability: .none, segmentBytes: 4 << 20, firstSegmentBytes: 2 << 20, usesThreads: false))
    let limit = HubLimits().itemBytes
    for number in 0..<12 {
      let key = "key\(number)"
      try fixture.put(key, Self.memory(ofStoredBytes: limit - number, key: key))
      if number % 3 == 0 { try fixture.acknowledge() }
    }
    try fixture.acknowledge()
    let checksum = fixture.checksum
    try fixture.reopen()
    #expect(fixture.checksum == checksum && fixture.hub.log.status.segments > 3)
    for number in 0..<12 { #expect(try fixture.get("key\(number)")?.item.utf8.count == limit - number) }
  }

  @Test("A batch of large items beyond a commit is too_large with threads and segments as the server has them")
  func largeBatch() throws {
    let fixture = try HubFixture(options: Self.serverSegments)
    let item = Self.memory(ofStoredBytes: 1 << 20, key: "key0")
    do {
      try fixture.batch((0..<8).map { .put("key\($0)", item) })
      Issue.record("8 MiB went into one commit")
    } catch {
      #expect(error.code == .tooLarge)
    }
    #expect(try fixture.batch((0..<7).map { .put("key\($0)", item) }).revision.value == 7)
    try fixture.acknowledge()
    #expect(fixture.keys().count == 7)
  }

  // MARK: Records of other versions

  /// Writes one record with the log alone and opens a hub on it.
  private static func opened(key: Int, kind: UInt8, payload: Int) throws -> LogError? {
    let fixture = try HubFixture(options: serverSegments)
    try write(to: fixture.hub.log, key: key, kind: kind, payload: payload, time: fixture.clock.time)
    do {
      try fixture.crash()
      return nil
    } catch let error as LogError {
      return error
    }
  }

  private static func write(to log: RecordLog, key: Int, kind: UInt8, payload: Int, time: Int64) throws {
    let keyBytes = [UInt8](repeating: 0x6B, count: key)
    let item = [UInt8](repeating: 0x20, count: payload)
    var fields = RecordFields(operation: .create, revision: log.lastRevision.next, time: time)
    fields.itemKind = kind
    try log.reserve(RecordEncoder.size(names: key, payload: payload))
    let nothing = [UInt8]()
    _ = log.append(
      fields,
      RecordNames(
        key: keyBytes.span.bytes, agent: nothing.span.bytes, correlation: nothing.span.bytes,
        request: nothing.span.bytes),
      payload: item.span.bytes)
    log.submit()
  }

  @Test("A log with a kind, a key or a record that the index can not hold is refused with its place, not trapped on")
  func unknownRecords() throws {
    #expect(try Self.opened(key: 3, kind: 1, payload: 10) == nil)
    #expect(try Self.opened(key: 1_024, kind: 127, payload: 10) == nil)
    #expect(try Self.opened(key: 3, kind: 1, payload: VersionEntry.recordBytesMax - 200) == nil)
    for (key, kind, payload) in [(3, UInt8(128), 10), (3, 255, 10), (1_025, 1, 10), (0, 1, 10), (3, 1, 2 << 20)] {
      let error = try Self.opened(key: key, kind: kind, payload: payload)
      #expect(error?.code == .unsupported && error?.segment != nil && error?.offset != nil, "\(key) \(kind) \(payload)")
    }
  }

  // MARK: Deleted keys

  @Test("No more deleted keys are remembered than allowed, round after round")
  func deadKeys() throws {
    var limits = HubLimits()
    limits.deadKeys = 10
    let fixture = try HubFixture(limits: limits)
    for round in 0..<20 {
      for number in 0..<25 {
        try fixture.put("key\((number * 7 + round) % 25)", #"{"content":"x"}"#)
        try fixture.delete("key\((number * 7 + round) % 25)")
        try fixture.acknowledge()
        #expect(fixture.hub.state.deadKeyCount <= 10)
      }
      #expect(fixture.hub.state.deadKeyCount == 10)
    }
    // A key that is remembered links to its history, another one begins anew.
    var linked = 0
    for number in 0..<25 {
      let key = Array("key\(number)".utf8)
      if fixture.hub.state.deadRevision(key.span.bytes) != .none { linked += 1 }
    }
    #expect(linked == 10)
  }

  @Test("What was decided but never handed to the disk is gone after a crash, and its revisions are given anew")
  func lostCommit() throws {
    let fixture = try HubFixture()
    try fixture.put("a", #"{"content":"x"}"#, by: .idempotent("first"))
    try fixture.acknowledge()
    try fixture.put("b", #"{"content":"x"}"#, by: .idempotent("second"))
    try fixture.crash()
    #expect(fixture.revision == 1 && fixture.keys() == ["a"] && fixture.hub.rememberedRequests == 1)
    let again = try fixture.put("b", #"{"content":"x"}"#, by: .idempotent("second"))
    #expect(again.result == OperationResult(isPut: true, hit: true, revision: Revision(2)))
  }
}

@Suite struct KeyRulesTests {
  private static func trimmed(_ key: [UInt8], limits: HubLimits = HubLimits()) -> Result<[UInt8], HubError> {
    Result { () throws(HubError) in Array(key[try KeyRules.trimmed(key.span.bytes, limits: limits)]) }
  }

  private static func code(_ key: String) -> ErrorCode? {
    if case .failure(let error) = trimmed(Array(key.utf8)) { error.code } else { nil }
  }

  @Test("ASCII white space is trimmed from both ends, and nothing else is")
  func trimming() throws {
    for (given, expected) in [
      (" a ", "a"), ("\t\n\u{B}\u{C}\r a b\u{20}\r\n", "a b"), ("a", "a"), ("\u{2003}a\u{3000}", "\u{2003}a\u{3000}"),
      ("\u{FEFF}a", "\u{FEFF}a"),
    ] {
      #expect(try Self.trimmed(Array(given.utf8)).get() == Array(expected.utf8))
    }
    #expect(Self.code("\u{A0}a") == nil)
  }

  @Test("An empty key is refused, also one of white space only")
  func empty() {
    for key in ["", " ", " \t\r\n\u{B}\u{C} "] { #expect(Self.code(key) == .invalidRequest) }
  }

  @Test("Control characters are refused wherever they stand: C0, DEL and C1; their neighbours are not")
  func controls() {
    for value in UInt32(0)...0x3000 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let isControl = value < 0x20 || (value >= 0x7F && value < 0xA0)
      for key in ["a\(scalar)b", "é\(scalar)é"] {
        if (Self.code(key) == .invalidRequest) != isControl { Issue.record("U+\(String(value, radix: 16))") }
      }
    }
    // At the ends white space is trimmed, other controls are not.
    #expect(Self.code("a\u{1}") == .invalidRequest && Self.code("\u{7F}a") == .invalidRequest)
    #expect(Self.code("a\u{85}") == .invalidRequest)
  }

  @Test("1,024 bytes count after trimming, in UTF-8")
  func length() {
    #expect(Self.code(String(repeating: "k", count: 1_024)) == nil)
    #expect(Self.code(String(repeating: "k", count: 1_025)) == .tooLarge)
    #expect(Self.code(" " + String(repeating: "é", count: 512) + "\n") == nil)
    #expect(Self.code(String(repeating: "é", count: 512) + "k") == .tooLarge)
  }
}
