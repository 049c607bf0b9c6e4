/// What is redacted and not erased yet is printed as if it were.
import Foundation
import LogStore
import TestSupport
import Testing

@Suite("A store between redaction and erasure")
struct PendingRedactionDumpTests {
  private func fixture() throws -> StoreFixture {
    let fixture = try StoreFixture()
    try fixture.append(.create, "user/7", content: #"{"content":"swordfish"}"#)
    try fixture.append(.update, "user/7", content: #"{"content":"harmless"}"#)
    try fixture.append(.create, "user/8", content: #"{"content":"swordfish too"}"#)
    try fixture.commit()
    try fixture.redact([1, 3])
    try fixture.log.close()
    return fixture
  }

  @Test("In no form and no direction is the item shown, not as the one before the next event either")
  func dumped() throws {
    let fixture = try fixture()
    for options in [[], ["--reverse"], ["--format", "json"], ["--format", "json", "--reverse"], ["--records"]] {
      let run = try ToolRun([fixture.directory.path] + options)
      #expect(run.status == 0 && run.errors.isEmpty)
      #expect(!run.output.contains("swordfish"), "\(options)")
      #expect(run.output.contains("redacted"), "\(options)")
    }
    let objects = try ToolRun.json(fixture).objects()
    #expect(objects.count == 3)
    #expect(objects.map { $0["redacted"] as? Bool } == [true, nil, true])
    #expect(objects[0]["payload"] is NSNull && objects[1]["previous_value"] is NSNull)
    #expect((objects[1]["payload"] as? [String: Any])?["content"] as? String == "harmless")
  }
}
