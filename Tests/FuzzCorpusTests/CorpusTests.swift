/// The inputs in `Fuzz/Corpus` go through the functions that the fuzzers call: what was found once stays fixed.
import Bytes
import Foundation
import FuzzHub
import FuzzLog
import FuzzSupport
import FuzzText
import Testing

@Suite struct CorpusTests {
  static var targets: [any FuzzTarget.Type] {
    [
      JSONFuzz.self, ReplyFuzz.self, RecordFuzz.self, ManifestFuzz.self, SegmentFuzz.self, SnapshotFuzz.self,
      ItemFuzz.self, RequestFuzz.self, PackedFuzz.self,
    ]
  }

  static let corpus = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz/Corpus")

  static func inputs(_ target: any FuzzTarget.Type) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: corpus.appending(path: target.name), includingPropertiesForKeys: nil
    ).sorted { $0.path < $1.path }
  }

  @Test("Every input of the corpora is handled without a trap, and every property holds for it", arguments: 0..<9)
  func everyInput(_ index: Int) throws {
    let target = Self.targets[index]
    let inputs = try Self.inputs(target)
    #expect(inputs.count >= target.seeds.count)
    for input in inputs {
      let bytes = [UInt8](try Data(contentsOf: input))
      do {
        try target.run(bytes.span.bytes)
      } catch {
        Issue.record("\(target.name)/\(input.lastPathComponent): \(error)")
      }
    }
  }

  @Test("Every target is among the corpora, and the corpora stay small")
  func folders() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path).sorted()
    #expect(folders == Self.targets.map { $0.name }.sorted())
    var bytes = 0
    for target in Self.targets {
      for input in try Self.inputs(target) { bytes += try Data(contentsOf: input).count }
    }
    #expect(bytes < 1 << 20)
  }

  @Test("A property that does not hold is noticed")
  func noticing() {
    #expect(throws: FuzzFailure.self) { try require(false, "it does not hold") }
    let notAReply = Array(#"{"success":true}"#.utf8)
    #expect(throws: FuzzFailure.self) { _ = try ReplyFuzz.outcome(of: notAReply.span.bytes) }
  }
}
