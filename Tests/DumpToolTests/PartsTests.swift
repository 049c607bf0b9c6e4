/// The parts of the tool by themselves.
import Bytes
import Foundation
import Hub
import LogStore
import TestSupport
import Testing
import ToolSupport

@testable import logstore_dump

@Suite("Parts")
struct PartsTests {
  private func shown(_ text: String, _ columnsMax: Int = .max) -> (text: String, columns: Int) {
    shown(.of(text), columnsMax)
  }

  private func shown(_ text: borrowing ByteBuffer, _ columnsMax: Int = .max) -> (text: String, columns: Int) {
    var buffer = ByteBuffer()
    let columns = DisplayText.append(text.bytes, columnsMax: columnsMax, to: &buffer)
    return (buffer.bytes.text(), columns)
  }

  @Test("What could disturb a terminal is escaped, and columns are counted")
  func escapes() {
    #expect(shown("plain") == ("plain", 5))
    #expect(shown("a\tb\nc\r") == ("a\\tb\\nc\\r", 9))
    #expect(shown("\u{1B}[31m") == ("\\u{1b}[31m", 10))
    #expect(shown("\u{202E}x\u{9B}") == ("\\u{202e}x\\u{9b}", 15))
    #expect(shown("日本") == ("日本", 4))
    #expect(shown("e\u{301}") == ("e\u{301}", 1))
    #expect(shown(.of([0x61, 0xFF, 0xC0, 0x80, 0x62])) == ("a\u{FFFD}\u{FFFD}\u{FFFD}b", 5))
    #expect(shown(.of([0xE2, 0x82])).text == "\u{FFFD}\u{FFFD}")
    #expect(shown(.of([0xED, 0xA0, 0x80])).text == "\u{FFFD}\u{FFFD}\u{FFFD}")
  }

  @Test("Text is cut at whole characters and never wider than asked")
  func cuts() {
    #expect(shown("abcdef", 6) == ("abcdef", 6))
    #expect(shown("abcdef", 5) == ("abcd…", 5))
    #expect(shown("日本語", 5) == ("日本…", 5))
    #expect(shown("日本語", 4) == ("日…", 3))
    #expect(shown("a\u{1B}b", 4) == ("a…", 2))
    for width in 1...20 {
      #expect(shown("x日\u{1B}é本\tyz, and more", width).columns <= width)
    }
  }

  @Test("A table keeps the widths of its first rows and cuts the last column to the line")
  func table() {
    var table = TablePrinter(
      [.init(title: "N", isRightAligned: true), .init(title: "NAME"), .init(title: "REST")], lineColumns: 30)
    var output = ByteBuffer()
    for (number, name) in [("1", "one"), ("22", "twenty-two")] {
      for cell in [number, name, String(repeating: "x", count: 60)] {
        let text = ByteBuffer.of(cell)
        table.add(text.bytes)
      }
      table.endRow(&output)
    }
    #expect(output.count == 0)
    table.finish(&output)
    let lines = output.bytes.text().split(separator: "\n").map(String.init)
    #expect(lines[0] == " N  NAME        REST")
    #expect(lines[1] == " 1  one         xxxxxxxxxxxxx…")
    #expect(lines[2] == "22  twenty-two  xxxxxxxxxxxxx…")
  }

  @Test("The list for --reverse keeps the newest, however many come")
  func matches() {
    for limit in [1, 2, 7] {
      var list = MatchList(limit: limit)
      for number in 1...50 {
        list.append(Match(place: RecordPlace(segmentIndex: 0, offset: number * 8), frameOffset: nil, epoch: 1))
        let expected = Array(max(1, number - limit + 1)...number)
        #expect(list.newest.map { $0.place.offset / 8 } == expected)
      }
    }
  }

  @Test("The revision table finds what was noted and nothing else, across any gap")
  func revisionTable() {
    var table = RevisionTable()
    let revisions: [UInt64] = [1, 2, 65_535, 65_536, 1 << 40, .max, 3]
    for (index, revision) in revisions.enumerated() {
      table.note(Revision(revision), at: RecordPlace(segmentIndex: index, offset: 4_096 + index * 8))
    }
    for (index, revision) in revisions.enumerated() {
      let place = table.place(of: Revision(revision))
      #expect(place.segmentIndex == index && place.offset == 4_096 + index * 8)
    }
    for revision: UInt64 in [0, 4, 65_537, 1 << 41, .max - 1] {
      #expect(table.place(of: Revision(revision)) == .none)
    }
  }

  @Test("An event id is a version 8 UUID of lineage, revision and time, and never changes from release to release")
  func identity() {
    func id(_ lineage: StoreIdentity, _ revision: UInt64, _ time: Int64) -> String {
      var buffer = ByteBuffer()
      EventIdentity.append(lineage: lineage, revision: Revision(revision), time: time, to: &buffer)
      return buffer.bytes.text()
    }
    let lineage = StoreIdentity(high: 0x0123_4567_89AB_4DEF, low: 0x8123_4567_89AB_CDEF)
    let known = id(lineage, 42, 1_754_587_800_000_000)
    #expect(known == "76c31c66-cac7-821d-96b2-f21c1cd5fa1e", "computed with Python's xxhash")
    #expect(UUID(uuidString: known) != nil)
    #expect(known.utf8.count == EventIdentity.textBytes)
    let others = [
      id(lineage, 43, 1_754_587_800_000_000), id(lineage, 42, 1_754_587_800_000_001),
      id(StoreIdentity(high: lineage.high, low: lineage.low + 1), 42, 1_754_587_800_000_000),
    ]
    #expect(Set(others + [known]).count == 4)
    for id in others { #expect(id.dropFirst(14).first == "8" && "89ab".contains(id.dropFirst(19).first ?? "x")) }
  }

  private static let foreign = [
    "", "[1]", "\"text\"", "{\"a\":1", "{\"a\":1}}", "{\"a\":1,\"a\":2}", "{a:1}", "{\"a\":\"\u{1}\"}", "\u{FEFF}{}",
  ]

  @Test("A payload that is no JSON object becomes null and is reported; the line stays whole", arguments: foreign)
  func foreignPayload(_ payload: String) throws {
    let fixture = try StoreFixture()
    try fixture.append(.create, "k", content: payload)
    try fixture.append(.update, "k")
    try fixture.commit()
    try fixture.log.close()
    let run = try ToolRun.json(fixture)
    #expect(run.status == 65)
    let objects = try run.objects()
    #expect(objects.count == 2)
    #expect(objects[0]["payload"] is NSNull)
    #expect(objects[1]["previous_value"] is NSNull)
    #expect(run.errorLines.count == 1 && run.errors.contains("revision 1 "))
  }

  @Test("White space between the tokens of a foreign payload can not break the line")
  func foreignWhiteSpace() throws {
    let fixture = try StoreFixture()
    try fixture.append(.create, "k", content: "{\n  \"a\" : \"b c\",\r\n\t\"d\": [ 1, 2 ]\n}")
    try fixture.commit()
    try fixture.log.close()
    let run = try ToolRun.json(fixture)
    #expect(run.status == 0)
    #expect(run.lines.count == 1)
    #expect(run.output.contains(#""payload":{"a":"b c","d":[1,2]},"#))
  }

  @Test("A name that is not UTF-8 is shown with replacement characters")
  func foreignName() {
    func json(_ name: borrowing ByteBuffer) -> String {
      var buffer = ByteBuffer()
      EventText.appendString(name.bytes, to: &buffer)
      return buffer.bytes.text()
    }
    #expect(json(.of([0x61, 0xFF, 0x62])) == "\"a\u{FFFD}b\"")
    #expect(json(.of("é\u{1}")) == "\"é\\u0001\"")
  }
}
