/// No dictionary remembers what is erased: it is trained on what stays.
import Bytes
import LogStoreTesting
import Testing

@testable import LogStore

@Suite("Dictionaries and erasure")
struct DictionaryErasureTests {
  private static let secret = "the password is swordfish and nothing else"

  /// A sealed segment in which every second record repeats a secret.
  private func store() throws -> RecordLog {
    let log = try RecordLog(
      SimulatedDisk(), options: LogOptions(segmentBytes: 1 << 20, firstSegmentBytes: 1 << 20, usesThreads: false),
      now: 1)
    for number in 1...6_000 {
      let text =
        number % 2 == 0 ? "\(Self.secret), \(number)" : "what number \(number) has to say is known to all agents here"
      let fields = RecordFields(operation: .create, revision: log.lastRevision.next, time: Int64(number))
      let payload = Array(#"{"content":"\#(text)"}"#.utf8)
      try log.reserve(1_024)
      let key = Array("key/\(number)".utf8)
      let none: [UInt8] = []
      _ = log.append(
        fields,
        RecordNames(
          key: key.span.bytes, agent: none.span.bytes, correlation: none.span.bytes, request: none.span.bytes),
        payload: payload.span.bytes)
      log.submit()
    }
    return log
  }

  private func dictionary(_ log: RecordLog, _ edits: RecordEdits) throws -> String {
    let segment = try #require(log.durableEnd.segments.first)
    let sampler = DictionarySampler(segment, limit: nil, edits)
    let trained = try sampler.train(pace: { (_) throws(LogError) in })
    return trained.bytes.text()
  }

  @Test("A text that half of the records repeat is in the dictionary, and not once they are redacted or dropped")
  func erased() throws {
    let log = try store()
    defer { log.abandon() }
    try #require(log.durableEnd.segments.count >= 2)
    #expect(try dictionary(log, RecordEdits()).contains("swordfish"))
    var edits = RecordEdits()
    for number in stride(from: 2, through: 6_000, by: 2) { edits.redacted.insert(Revision(UInt64(number))) }
    let trained = try dictionary(log, edits)
    #expect(!trained.contains("swordfish") && trained.contains("has to say"))
  }
}
