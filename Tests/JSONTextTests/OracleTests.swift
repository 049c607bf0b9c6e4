/// The tape against RapidJSON: every truncation and every single-byte change of samples, and random texts.
import Bytes
import JSONText
import TestSupport
import Testing

@Suite struct OracleTests {
  static let samples = [
    #"{"a":1,"b":[true,false,null],"c":{"d":"x\n\u00e9\ud83d\ude00","e":-0.5e+10}}"#,
    #" [ 0 , -1 , 1.5 , 1E5 , 2e-7 , "" , "plain text of more than eight bytes" , {} , [ ] ] "#,
    #"{"é":"ÄÖÜ","日本":"語","😀":"𝄞","":"\"\\\/\b\f\n\r\t"}"#,
    #""\u0000\u001f\u007f\u0080\u07ff\u0800\uffff\udbff\udfff""#,
    #"[[[[[[[[1]]]],{"a":{"a":{"a":{}}}}]]]]"#,
    "\t\r\n -123456789012345678901234567890.098765432109876543210 \n",
    #"{"a1":0,"a2":0,"a3":0,"a4":0,"a5":0,"a6":0,"a7":0,"a8":0,"a9":0,"b1":0,"b2":0,"b3":0,"b4":0}"#,
  ]

  @Test("All samples are read as RapidJSON reads them")
  func samples() {
    var reader = Reader()
    for sample in Self.samples {
      #expect(OracleReading(Array(sample.utf8)).verdict == .valid)
      #expect(disagreement(Array(sample.utf8), &reader) == nil)
    }
  }

  @Test("Every truncation of every sample is judged as RapidJSON judges it")
  func truncations() {
    var reader = Reader()
    var refused = 0
    for sample in Self.samples.map({ Array($0.utf8) }) {
      for length in 0..<sample.count {
        let cut = Array(sample[..<length])
        #expect(disagreement(cut, &reader) == nil)
        if !reader.read(cut).isValid { refused += 1 }
      }
    }
    #expect(refused > 400)
  }

  @Test("Every single-byte change of every sample is judged as RapidJSON judges it")
  func singleBytes() {
    var reader = Reader()
    var checked = 0
    for sample in Self.samples.map({ Array($0.utf8) }) {
      for position in sample.indices {
        var changed = sample
        for byte in UInt8.min ... .max {
          changed[position] = byte
          if let difference = disagreement(changed, &reader) { Issue.record(Comment(rawValue: difference)) }
          checked += 1
        }
      }
    }
    #expect(checked > 100_000)
  }

  @Test("Every text of up to five characters from JSON's alphabet is judged as RapidJSON judges it")
  func shortTexts() {
    let alphabet = Array(#"{}[]",:-0.e1\ "#.utf8)
    var reader = Reader()
    var text: [UInt8] = []
    func extend() {
      for byte in alphabet {
        text.append(byte)
        if let difference = disagreement(text, &reader) { Issue.record(Comment(rawValue: difference)) }
        if text.count < 5 { extend() }
        text.removeLast()
      }
    }
    extend()
  }

  @Test("Random texts, soups of tokens and mutations are judged as RapidJSON judges them")
  func random() {
    var generator = SeededGenerator.fromEnvironment("OracleTests.random")
    var reader = Reader()
    var valid = 0
    var refused: [JSONError.Reason: Int] = [:]
    for step in 0..<150_000 {
      var text: [UInt8] = []
      switch step % 3 {
      case 0: RandomText.value(&generator, depth: 4, &text)
      case 1: RandomText.soup(&generator, &text)
      default:
        RandomText.value(&generator, depth: 4, &text)
        RandomText.mutate(&generator, &text)
      }
      if let difference = disagreement(text, &reader) { Issue.record(Comment(rawValue: difference)) }
      if let reason = reader.read(text).refusal { refused[reason, default: 0] += 1 } else { valid += 1 }
    }
    // The generator reaches all that it is meant to reach: without this the test could pass on nothing.
    #expect(valid > 50_000)
    for reason in JSONError.Reason.allCases where ![.tooLong, .tooDeep].contains(reason) {
      #expect(refused[reason, default: 0] > 20, "\(reason)")
    }
  }

  @Test("Objects of many names, some twice, some twice in different spellings, are judged by the names' values")
  func duplicateNames() {
    var generator = SeededGenerator.fromEnvironment("OracleTests.duplicateNames")
    var reader = Reader()
    var duplicates = 0
    for _ in 0..<20_000 {
      let members = Int.random(in: 0...30, using: &generator)
      let names = (0..<members).map { _ in RandomText.name(&generator, choices: 200) }
      let text = "{" + names.map { "\($0):0" }.joined(separator: ",") + "}"
      if let difference = disagreement(Array(text.utf8), &reader) { Issue.record(Comment(rawValue: difference)) }
      if reader.read(text).refusal == .duplicateName { duplicates += 1 }
    }
    #expect(duplicates > 2_000 && duplicates < 18_000)
  }
}
