/// Items kind by kind and field by field. CONTRACT: "Items".
import Hub
import Testing

@Suite struct ItemTests {
  @Test("A memory is stored with all its fields, defaults filled in, in the contract's order")
  func memoryDefaults() throws {
    #expect(try ItemFixture.text(#"{"content":"x"}"#) == ItemFixture.memory())
    #expect(try ItemFixture.text(#" { "content" : "x" , "tags" : null , "metadata" : null } "#) == ItemFixture.memory())
  }

  @Test("A session is stored with all its fields and no expiry unless there is one")
  func sessionDefaults() throws {
    let expected =
      #"{"session_id":"s","user_id":null,"created_at":"\#(ItemFixture.nowText)","last_activity":"\#(ItemFixture.nowText)","#
      + #""context":{},"conversation_history":[],"preferences":{},"active":true"#
    #expect(try ItemFixture.text(#"{"session_id":"s"}"#) == expected + "}")
    let expiring = try ItemFixture.text(#"{"session_id":"s","expiry_timestamp":"2030-01-01T00:00:00Z"}"#)
    #expect(expiring == expected + #","expiry_timestamp":"2030-01-01T00:00:00.000000Z"}"#)
  }

  @Test("A knowledge record is stored with all its fields")
  func knowledgeDefaults() throws {
    let given = #"{"knowledge_id":"i","title":"t","content":{"a":1},"category":"c"}"#
    #expect(
      try ItemFixture.text(given)
        == #"{"knowledge_id":"i","title":"t","content":{"a":1},"category":"c","confidence_score":1.0,"#
        + #""created_at":"\#(ItemFixture.nowText)","updated_at":null,"source":null,"related_items":[],"#
        + #""access_count":0,"last_accessed":null}"#)
  }

  @Test("The kind is what item_type says, or else what the fields say")
  func kinds() throws {
    let cases: [(String, ItemKind)] = [
      (#"{"content":"x"}"#, .memory),
      (#"{"session_id":"s"}"#, .session),
      (#"{"knowledge_id":"i","title":"t","content":"x","category":"c"}"#, .knowledge),
      (#"{"session_id":"s","knowledge_id":"i"}"#, .session),
      (#"{"item_type":"memory_item","content":"x","session_id":"s"}"#, .memory),
      (#"{"item_type":"session","session_id":"s","knowledge_id":"i"}"#, .session),
      (
        #"{"item_type":"knowledge","session_id":"s","knowledge_id":"i","title":"t","content":"x","category":"c"}"#,
        .knowledge
      ),
      (#"{"item_type":null,"content":"x"}"#, .memory),
      (#"{"item_type":"\u0073ession","session_id":"s"}"#, .session),
    ]
    for (item, kind) in cases { #expect(try ItemFixture.stored(item).item.kind == kind.rawValue, "\(item)") }
    for wrong in [#""other""#, "1", "{}", #""""#, #""Session""#] {
      let error = ItemFixture.refusal(#"{"item_type":\#(wrong),"content":"x"}"#)
      #expect(error?.code == .invalidItem && error?.message.contains("item_type") == true, "\(wrong)")
    }
    #expect(ItemFixture.refusal("[]")?.code == .invalidItem)
    #expect(ItemFixture.refusal("1")?.code == .invalidItem)
  }

  // MARK: Every field with every type

  private static let values: [(type: String, text: String)] = [
    ("string", #""text""#), ("time", #""2025-01-02T03:04:05Z""#), ("number", "1"), ("fraction", "0.5"),
    ("true", "true"),
    ("false", "false"), ("null", "null"), ("object", #"{"a":1}"#), ("strings", #"["a"]"#), ("numbers", "[1]"),
    ("empty", "[]"),
  ]

  private static let memory: [(field: String, takes: Set<String>)] = [
    ("key", ["null"]),  // any other string does not agree
    ("content", ["string", "time", "object", "strings", "numbers", "empty"]),
    ("memory_type", ["string", "null"]), ("timestamp", ["time", "null"]), ("updated_at", ["time", "null"]),
    ("metadata", ["object", "null"]), ("tags", ["strings", "empty", "null"]),
    ("source_agent", ["string", "time", "null"]),
    ("expiry_timestamp", ["time", "null"]),
  ]

  private static let session: [(field: String, takes: Set<String>)] = [
    ("session_id", ["string", "time"]), ("user_id", ["string", "time", "null"]), ("created_at", ["time", "null"]),
    ("last_activity", ["time", "null"]), ("context", ["object", "null"]),
    ("conversation_history", ["strings", "empty", "null"]), ("preferences", ["object", "null"]),
    ("active", ["true", "false", "null"]), ("expiry_timestamp", ["time", "null"]),
  ]

  private static let knowledge: [(field: String, takes: Set<String>)] = [
    ("knowledge_id", ["string", "time"]), ("title", ["string", "time"]), ("content", ["string", "time", "object"]),
    ("category", ["string", "time"]), ("confidence_score", ["number", "fraction", "null"]),
    ("created_at", ["time", "null"]),
    ("updated_at", ["time", "null"]), ("source", ["string", "time", "null"]),
    ("related_items", ["strings", "empty", "null"]),
    ("access_count", ["number", "null"]), ("last_accessed", ["time", "null"]), ("expiry_timestamp", ["time", "null"]),
  ]

  @Test("Every field takes the types that it should and refuses every other one by its name")
  func everyFieldAndType() {
    let kinds: [(String, [(field: String, takes: Set<String>)], [String: String])] = [
      ("memory_item", Self.memory, ["content": #""x""#]),
      ("session", Self.session, ["session_id": #""s""#]),
      (
        "knowledge", Self.knowledge,
        ["knowledge_id": #""i""#, "title": #""t""#, "content": #""x""#, "category": #""c""#]
      ),
    ]
    for (kind, fields, required) in kinds {
      for (field, takes) in fields {
        for value in Self.values {
          var members = required
          members["item_type"] = "\"\(kind)\""
          members[field] = value.text
          let item = "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
          let refusal = ItemFixture.refusal(item)
          #expect((refusal == nil) == takes.contains(value.type), "\(item)")
          if let refusal {
            #expect(refusal.code == .invalidItem && refusal.message.contains("\"\(field)\""), "\(refusal.message)")
          }
        }
      }
      for name in required.keys {
        var members = required
        members["item_type"] = "\"\(kind)\""
        members[name] = nil
        let item = "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
        let refusal = ItemFixture.refusal(item)
        #expect(refusal?.code == .invalidItem && refusal?.message.contains("\"\(name)\"") == true, "\(item)")
      }
    }
  }

  @Test("An id must not be empty; a title, a category and a content may be")
  func emptyStrings() throws {
    #expect(ItemFixture.refusal(#"{"session_id":""}"#)?.code == .invalidItem)
    #expect(ItemFixture.refusal(#"{"knowledge_id":"","title":"t","content":"x","category":"c"}"#)?.code == .invalidItem)
    #expect(ItemFixture.refusal(#"{"knowledge_id":"i","title":"","content":"","category":""}"#) == nil)
    #expect(ItemFixture.refusal(#"{"content":""}"#) == nil)
  }

  // MARK: What is kept

  @Test("Unknown fields are kept behind the known ones, in their order and spelling, without white space")
  func unknownFields() throws {
    let item = #"{"zeta":1e400, "content":"x", "alph\u0061":{"b" : [1, 2 ,"a b"]}, "":null, "cont\u0065nt2":0}"#
    #expect(
      try ItemFixture.text(item)
        == ItemFixture.memory(more: #","zeta":1e400,"alph\u0061":{"b":[1,2,"a b"]},"":null,"cont\u0065nt2":0"#))
  }

  @Test("A known field is known in any spelling, and stored under its plain name")
  func spelling() throws {
    #expect(try ItemFixture.text(#"{"c\u006fntent":"x","\u0074ags":["a"]}"#) == ItemFixture.memory(tags: #"["a"]"#))
  }

  @Test("Numbers keep their digits exactly")
  func digits() throws {
    let numbers = "[1.10,-0,1E5,1e400,123456789012345678901234567890.123456789012345678901234567890]"
    #expect(try ItemFixture.text(#"{"content":\#(numbers)}"#) == ItemFixture.memory(content: numbers))
    let count = String(repeating: "9", count: 100)
    let knowledge = #"{"knowledge_id":"i","title":"t","content":"x","category":"c","access_count":\#(count)}"#
    #expect(try ItemFixture.text(knowledge).contains(#""access_count":\#(count),"#))
  }

  @Test("An item that names its kind keeps the name, in front")
  func itemType() throws {
    let item = try ItemFixture.text(#"{"content":"x","item_type":"memory_item"}"#)
    #expect(item == #"{"item_type":"memory_item","# + ItemFixture.memory().dropFirst())
  }

  @Test("What is stored, put again, is stored as the same bytes")
  func idempotence() throws {
    let items = [
      #"{"content":[1,{"a":"b"}],"extra":true,"tags":["t"],"expiry_timestamp":"2031-01-01T00:00:00+01:00"}"#,
      #"{"session_id":"s","context":{"a":[]},"active":false,"x":1.50}"#,
      #"{"knowledge_id":"i","title":"t","content":"x","category":"c","confidence_score":0.50,"last_accessed":null}"#,
    ]
    for item in items {
      let once = try ItemFixture.text(item)
      #expect(try ItemFixture.text(once) == once)
    }
  }

  // MARK: The key

  @Test("A memory's key is the request's; another one is refused, white space around it does not count")
  func key() throws {
    #expect(try ItemFixture.text(#"{"key":"a\"b","content":"x"}"#, key: "a\"b") == ItemFixture.memory(key: #"a\"b"#))
    #expect(try ItemFixture.text(#"{"key":" \u006b\n","content":"x"}"#) == ItemFixture.memory())
    for other in [#""other""#, #""""#, #""K""#, #""k k""#] {
      let error = ItemFixture.refusal(#"{"key":\#(other),"content":"x"}"#)
      #expect(error?.code == .invalidItem && error?.message.contains("\"key\"") == true)
    }
    // In the other kinds it is a field like any unknown one.
    #expect(try ItemFixture.text(#"{"session_id":"s","key":5}"#).hasSuffix(#","key":5}"#))
  }

  // MARK: memory_type, confidence, counts

  @Test("memory_type is 1 to 64 of a-z, 0-9, _ and -, however it is spelt")
  func memoryType() {
    for byte in UInt8(0x20)..<0x7F where byte != 0x22 && byte != 0x5C {
      let scalar = Character(Unicode.Scalar(byte))
      let isFine = "abcdefghijklmnopqrstuvwxyz0123456789_-".contains(scalar)
      #expect((ItemFixture.refusal(#"{"content":"x","memory_type":"a\#(scalar)"}"#) == nil) == isFine, "\(scalar)")
    }
    let cases: [(String, Bool)] = [
      ("", false), (String(repeating: "a", count: 64), true), (String(repeating: "a", count: 65), false), ("é", false),
      (#"\u0061bc"#, true), (#"\u0041"#, false), (#"a\n"#, false), (String(repeating: #"\u0061"#, count: 64), true),
      (String(repeating: #"\u0061"#, count: 65), false),
    ]
    for (type, isFine) in cases {
      let refusal = ItemFixture.refusal(#"{"content":"x","memory_type":"\#(type)"}"#)
      #expect((refusal == nil) == isFine, "\(type)")
      if let refusal { #expect(refusal.code == .invalidItem && refusal.message.contains("memory_type")) }
    }
  }

  @Test(
    "confidence_score is compared as text: not a digit too many, not one too few",
    arguments: [
      ("0", true), ("-0", true), ("-0.0e5", true), ("1", true), ("1.0", true), ("1e0", true), ("1E+0", true),
      ("10e-1", true),
      ("0.1e1", true), ("0.01e2", true), ("100e-2", true), ("0.999999999999999999999999999999", true), ("1e-400", true),
      ("0e999999999999999999999999", true), ("1e-999999999999999999999999", true), ("0.000", true), ("1.000e0", true),
      ("1.0000000000000000000000001", false), ("1e1", false), ("2", false), ("-1", false), ("-1e-400", false),
      ("-0.0000001", false), ("1e400", false), ("1e999999999999999999999999", false), ("10", false), ("0.11e1", false),
      ("101e-2", false), ("0.0000000000000000000001e23", false), ("0.0000000000000000000001e22", true),
    ])
  func confidence(_ number: String, _ isFine: Bool) throws {
    let item = #"{"knowledge_id":"i","title":"t","content":"x","category":"c","confidence_score":\#(number)}"#
    if isFine {
      #expect(try ItemFixture.text(item).contains(#""confidence_score":\#(number),"#))
    } else {
      #expect(ItemFixture.refusal(item)?.message.contains("confidence_score") == true)
    }
  }

  @Test("access_count is a whole number from 0 on")
  func accessCount() {
    for (number, isFine) in [("0", true), ("12", true), ("-1", false), ("1.5", false), ("-0", false), ("1e2", false)] {
      let item = #"{"knowledge_id":"i","title":"t","content":"x","category":"c","access_count":\#(number)}"#
      #expect((ItemFixture.refusal(item) == nil) == isFine, "\(number)")
    }
  }

  @Test("An array of strings names its element that is none")
  func arrayElement() {
    let error = ItemFixture.refusal(#"{"content":"x","tags":["a","b",{}]}"#)
    #expect(error?.message.contains("element 2") == true)
  }

  // MARK: Sizes

  @Test("The limit counts the item as stored: exactly at it is taken, one byte more is too_large")
  func size() throws {
    let exact = try ItemFixture.text(#"{"content":"x"}"#).utf8.count
    _ = try ItemFixture.stored(#"{   "content"   :   "x"   }"#, itemBytesMax: exact)
    do {
      _ = try ItemFixture.stored(#"{"content":"x"}"#, itemBytesMax: exact - 1)
      Issue.record("one byte too many was taken")
    } catch {
      #expect(error.code == .tooLarge && error.message.contains("item_bytes"))
    }
  }
}
