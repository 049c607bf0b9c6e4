/// Names, numbers and texts.
import LogStore
import Testing

@Suite("Identifiers")
struct IdentifierTests {
  @Test("An identity prints as a UUID, and a random one is a UUID of version 4")
  func identity() {
    #expect(Sample.store.description == "00112233-4455-4677-8899-aabbccddeeff")
    #expect(StoreIdentity.none.description == "00000000-0000-0000-0000-000000000000")
    var seen: Set<StoreIdentity> = []
    for _ in 0..<1000 {
      let one = StoreIdentity.random()
      seen.insert(one)
      let text = Array(one.description)
      #expect(text.count == 36 && text[14] == "4" && "89ab".contains(text[19]))
    }
    #expect(seen.count == 1000)
  }

  @Test("A segment's name gives its number and generation, and nothing else is a segment's name")
  func names() {
    for (number, generation) in [(1, 0), (42, 7), (UInt32.max - 1, 9_999)] as [(UInt32, UInt32)] {
      let name = StoreNames.segment(SegmentNumber(number), generation: generation)
      let parsed = StoreNames.parseSegment(String(name.dropFirst("segments/".count)))
      #expect(parsed?.number == SegmentNumber(number) && parsed?.generation == generation)
    }
    #expect(StoreNames.segment(SegmentNumber(1), generation: 0) == "segments/0000000001-0000.seg")
    for name in [
      "", ".seg", "-.seg", "0000000001.seg", "0000000000-0000.seg", "4294967295-0000.seg", "9999999999-0000.seg",
      "1-0.seg", "0000000001-0000.seg.tmp", "0000000001-0000-0000.seg", "+000000001-0000.seg", "0000000001-+000.seg",
      "000000001x-0000.seg", "0000000001-0000.SEG", "００００００００01-0000.seg",
    ] {
      #expect(StoreNames.parseSegment(name) == nil, "\(name)")
    }
  }

  @Test("Revisions, segments and positions order and print as their numbers")
  func numbers() {
    #expect(Revision(1).next == Revision(2) && Revision(1) < Revision(2) && Revision.none.value == 0)
    #expect(SegmentNumber(1).next == SegmentNumber(2) && SegmentNumber(9) < SegmentNumber(10))
    #expect("\(Revision(7)) \(SegmentNumber(8))" == "7 8")
    #expect("\(RecordPosition(segment: SegmentNumber(3), offset: 4096, length: 8))" == "segment 3 offset 4096")
  }

  @Test("Operations below 64 take a revision, and each has its name")
  func operations() {
    #expect(Operation.allCases.map(\.takesRevision) == [true, true, true, true, true, true, false, false, false])
    #expect(Operation.allCases.filter(\.isPut) == [.create, .update])
    #expect(
      Operation.allCases.map(\.eventType) == [
        "CREATE", "UPDATE", "DELETE", "EXPIRE", "VOID", "DROPPED", "EPOCH", "GAP", "REDACTION",
      ])
    #expect(Durability.allCases.map(\.name) == ["fsync", "interval", "none"])
  }

  @Test("Every reason has its own text")
  func texts() {
    let reasons: [FormatError] = [
      .truncated, .badMagic, .badChecksum, .unknownVersion(2), .unknownFeatures(16), .badLength, .unknownKind(9),
      .unknownOperation(9), .unknownCodec(9), .encrypted(9), .payloadChecksum, .nonZeroPadding, .badField("epoch"),
    ]
    #expect(Set(reasons.map(\.text)).count == reasons.count)
    #expect(FormatError.unknownFeatures(16).text.contains("0x10"))
    #expect(FormatError.badField("epoch").text.contains("epoch"))
  }

  @Test("A failed system call says what to do about it")
  func advice() {
    let advice = { (number: Int32) in LogError(StorageError(.write, "x", errno: number)).message }
    for number in [PosixText.noSpace, PosixText.quota] { #expect(advice(number).contains("free some space")) }
    for number in [PosixText.notPermitted, PosixText.accessDenied] {
      #expect(advice(number).contains("owner and mode"))
    }
    #expect(advice(PosixText.tooManyFiles).contains("ulimit -n"))
    #expect(advice(PosixText.readOnly).contains("read-only"))
    #expect(advice(PosixText.missing).contains("path"))
    #expect(advice(PosixText.inputOutput).contains("dmesg"))
    #expect(LogError(StorageError(.lock, "LOCK", errno: PosixText.wouldBlock)).code == .locked)
    #expect(LogError(.damaged, "x").description == "x")
    #expect(
      LogError(.damaged, "x", segment: SegmentNumber(2), offset: 9).description == "segment 2 offset 9: x")
    #expect(LogError(.damaged, "x", segment: SegmentNumber(2)).description == "segment 2: x")
  }
}
