/// Requests that are wrong: each gets one clear error, stores nothing, and the hub goes on.
import Foundation
import Testing

@Suite("Wrong requests", .timeLimit(.minutes(10)))
struct RequestErrorTests {
  let hub: HubFixture
  let client: Client

  init() throws {
    hub = try HubFixture()
    client = try Client(hub)
  }

  /// Asks, and checks that nothing came of it.
  private func refused(
    _ request: String, _ code: String, naming words: String..., location: SourceLocation = #_sourceLocation
  ) throws {
    let reply = try client.ask(request)
    #expect(!reply.isSuccess && reply.code == code, "\(request.prefix(200)): \(reply.text)", sourceLocation: location)
    for word in words {
      #expect(reply.error.contains(word), "\(word): \(reply.text)", sourceLocation: location)
    }
  }

  private func expectNothingStored(_ location: SourceLocation = #_sourceLocation) throws {
    let sum = try client.ask(#"{"action":"checksum"}"#)
    #expect(sum.result["revision"] as? Int == 0 && sum.result["keys"] as? Int == 0, sourceLocation: location)
  }

  /// A value of every type of JSON.
  private static let values = [
    "string": #""x""#, "number": "1", "fraction": "1.5", "negative": "-1", "exponent": "1e2",
    "huge": "99999999999999999999",
    "true": "true", "false": "false", "object": #"{"a":1}"#, "array": #"["a"]"#, "numbers": "[1]",
  ]

  /// For each field: a request that is fine without it, and the types that are fine in it.
  private static let fields: [(field: String, rest: String, fine: Set<String>)] = {
    let whole: Set<String> = ["number"]
    let text: Set<String> = ["string"]
    let put = #""action":"put","key":"k","item":{"content":"c"}"#
    var fields: [(String, String, Set<String>)] = []
    for action in [
      "get", "put", "delete", "exists", "list_keys", "batch_get", "batch", "history", "events", "checksum", "stats",
      "health", "ping",
    ] {
      for field in ["agent_id", "correlation_id", "request_id", "api_key"] {
        fields.append((field, #""action":"\#(action)","key":"k","keys":[],"item":{}"#, text.union(["any"])))
      }
    }
    fields += [
      ("action", #""key":"k""#, text),
      ("key", #""action":"get""#, text), ("key", #""action":"exists""#, text), ("key", #""action":"delete""#, text),
      ("key", #""action":"put","item":{"content":"c"}"#, text),
      ("if_revision", put, whole.union(["huge"]).subtracting(["huge"])),
      ("if_revision", #""action":"delete","key":"k""#, whole),
      ("ttl_seconds", put, ["number", "fraction", "exponent", "huge"]),
      ("limit", #""action":"list_keys""#, whole),
      ("prefix", #""action":"list_keys""#, text), ("start_after", #""action":"list_keys""#, text),
      ("keys", #""action":"batch_get""#, ["array"]), ("operations", #""action":"batch""#, ["array", "numbers"]),
      ("from_revision", #""action":"events""#, whole), ("from_time", #""action":"events""#, []),
      ("prefix", #""action":"events""#, text), ("limit", #""action":"events""#, whole),
      ("wait_ms", #""action":"events""#, whole),
      ("key", #""action":"history""#, text), ("limit", #""action":"history","key":"k""#, whole),
      ("before_revision", #""action":"history","key":"k""#, whole),
      ("at_revision", #""action":"get","key":"k""#, []), ("at_time", #""action":"get","key":"k""#, []),
    ]
    for read in [#"get","key":"k"#, #"exists","key":"k"#, "list_keys", #"batch_get","keys":["k"],"x":"#, "checksum"] {
      let isOpen = read.hasSuffix(":")
      let rest = #""action":""# + read + (isOpen ? "1" : #"""#)
      fields.append(("min_revision", rest + #","wait_ms":0"#, whole))
      fields.append(("wait_ms", rest, whole))
    }
    return fields
  }()

  @Test("Every field of every action refuses every wrong type, and the error names the field")
  func wrongTypes() throws {
    var count = 0
    for entry in RequestErrorTests.fields {
      for (type, value) in RequestErrorTests.values where !entry.fine.contains(type) {
        try refused("{\(entry.rest),\"\(entry.field)\":\(value)}", "invalid_request", naming: entry.field)
        count += 1
      }
    }
    #expect(count > 600)
    try expectNothingStored()
  }

  @Test("An item that is no object is invalid_item, and a missing one is named")
  func items() throws {
    for (type, value) in RequestErrorTests.values where type != "object" {
      try refused(#"{"action":"put","key":"k","item":\#(value)}"#, "invalid_item", naming: "object")
    }
    try refused(#"{"action":"put","key":"k","item":{}}"#, "invalid_item", naming: "content")
    try refused(#"{"action":"put","key":"k"}"#, "invalid_request", naming: "item")
    try refused(#"{"action":"put","key":"k","item":null}"#, "invalid_request", naming: "item")
    try refused(#"{"action":"put","key":"k","item":{"content":"c","key":"other"}}"#, "invalid_item", naming: "key")
    try refused(
      #"{"action":"put","key":"k","ttl_seconds":1,"item":{"content":"c","expiry_timestamp":"2999-01-01T00:00:00Z"}}"#,
      "invalid_request", naming: "ttl_seconds", "expiry_timestamp")
    for ttl in ["0", "-1", "0.0", "1e300", "-0"] {
      try refused(
        #"{"action":"put","key":"k","item":{"content":"c"},"ttl_seconds":\#(ttl)}"#, "invalid_request",
        naming: "ttl_seconds")
    }
    try expectNothingStored()
  }

  @Test("Missing fields, null as good as missing, are named")
  func missing() throws {
    for null in ["", #","key":null"#] {
      for action in ["get", "exists", "delete", "put"] {
        try refused(#"{"action":"\#(action)"\#(null)}"#, "invalid_request", naming: "key", "missing")
      }
    }
    try refused(#"{"action":"batch_get"}"#, "invalid_request", naming: "keys", "missing")
    try refused(#"{"action":"batch"}"#, "invalid_request", naming: "operations", "missing")
    try refused(#"{"action":"batch","operations":[]}"#, "invalid_request", naming: "operations")
    try refused("{}", "invalid_request", naming: "action", "missing")
    try refused(#"{"action":null}"#, "invalid_request", naming: "action", "missing")
    try expectNothingStored()
  }

  @Test("A wrong operation of a batch is named by its index, and nothing of the batch is stored")
  func operations() throws {
    let good = #"{"op":"put","key":"a","item":{"content":"x"}}"#
    for (bad, code, word) in [
      ("1", "invalid_request", "object"), ("{}", "invalid_request", "op"), (#"{"op":"get"}"#, "invalid_request", "op"),
      (#"{"op":1}"#, "invalid_request", "op"), (#"{"op":"put"}"#, "invalid_request", "key"),
      (#"{"op":"put","key":1}"#, "invalid_request", "key"), (#"{"op":"put","key":""}"#, "invalid_request", "key"),
      (#"{"op":"put","key":"k"}"#, "invalid_request", "item"),
      (#"{"op":"put","key":"k","item":1}"#, "invalid_item", "object"),
      (#"{"op":"put","key":"k","item":{}}"#, "invalid_item", "content"),
      (#"{"op":"delete","key":"k","if_revision":-1}"#, "invalid_request", "if_revision"),
      (#"{"op":"delete","key":"k","if_revision":"1"}"#, "invalid_request", "if_revision"),
    ] {
      try refused(
        #"{"action":"batch","operations":[\#(good),\#(bad),\#(good)]}"#, code, naming: "operation 1", word)
    }
    try expectNothingStored()
  }

  @Test("Keys that are empty, blank or hold control characters are refused; other white space is trimmed")
  func keys() throws {
    for key in ["", " ", #"\t\r\n"#, #"a\u0000"#, #"a\u001fb"#, #"a\u007fb"#, #"a\u0085b"#, #"a\tb"#] {
      for action in ["get", "exists", "delete"] {
        try refused(#"{"action":"\#(action)","key":"\#(key)"}"#, "invalid_request", naming: "key")
      }
      try refused(#"{"action":"put","key":"\#(key)","item":{"content":"c"}}"#, "invalid_request", naming: "key")
      try refused(#"{"action":"batch_get","keys":["ok","\#(key)"]}"#, "invalid_request", naming: "element 1", "keys")
    }
    try refused(#"{"action":"batch_get","keys":["ok",1]}"#, "invalid_request", naming: "element 1")
    try expectNothingStored()
  }

  @Test("Unknown actions are named, echoed and never guessed")
  func unknownActions() throws {
    for action in ["", "GET", "get ", "histories", "Events", "delete_all", #"g\u0000et"#, "é"] {
      let reply = try client.ask(#"{"action":"\#(action)","key":"k","request_id":"r"}"#)
      #expect(reply.code == "unknown_action" && reply.requestID == "r", "\(reply.text)")
      #expect(reply.text.contains(#""action":"\#(action)""#), "\(reply.text)")
    }
    // Escapes do not change what a string is.
    #expect(try client.ask(#"{"\u0061ction":"p\u0069ng"}"#).isSuccess)
  }

  @Test("A huge action is not repeated: the sender does not choose how large the reply is")
  func hugeAction() throws {
    let reply = try client.ask(#"{"action":"\#(String(repeating: "x", count: 3 << 20))","request_id":"r"}"#)
    #expect(reply.code == "unknown_action" && reply.requestID == "r")
    #expect(reply.text.utf8.count < 1_024)
    let wrong = try client.ask(#"{"action":"ping","request_id":"\#(String(repeating: "x", count: 3 << 20))"}"#)
    #expect(wrong.code == "too_large" && wrong.text.utf8.count < 1_024)
  }

  @Test("An error's reply has success first, echoes what it can, and null for an action that could not be read")
  func shape() throws {
    #expect(
      try client.ask(#"{"action":"get","request_id":"r"}"#).timeless
        == #"{"success":false,"action":"get","error":"the field \"key\" is missing: it names the memory","#
        + #""code":"invalid_request","timestamp":"T","request_id":"r"}"#)
    let broken = try client.ask("{")
    #expect(broken.timeless.hasPrefix(#"{"success":false,"action":null,"error":""#))
    #expect(broken.timeless.hasSuffix(#"","code":"invalid_json","timestamp":"T"}"#))
    // What the request before was is not told again.
    #expect(broken.requestID == nil)
  }

  @Test("Requests that are no objects are invalid_request")
  func noObjects() throws {
    for (type, value) in RequestErrorTests.values where type != "object" {
      try refused(value, "invalid_request", naming: "object")
    }
    try refused("null", "invalid_request", naming: "object")
    try refused("[]", "invalid_request", naming: "object")
  }

  @Test("Text that is not JSON is invalid_json: syntax, depth, duplicate names, UTF-8, lone surrogates")
  func invalidJSON() throws {
    let nest = String(repeating: "[", count: 10_000)
    for (text, word) in [
      ("", "empty"), (" ", "JSON"), ("{", "JSON"), ("}", "JSON"), (#"{"action":"ping"}x"#, "JSON"),
      (#"{"action":"ping",}"#, "JSON"),
      (#"{"action":ping}"#, "JSON"), (#"{'action':'ping'}"#, "JSON"), (#"{"action":"ping","x":01}"#, "JSON"),
      (#"{"action":"ping","x":NaN}"#, "JSON"), (#"{"action":"ping","x":Infinity}"#, "JSON"),
      ("{\"action\":\"pi\nng\"}", "JSON"),
      (#"{"action":"ping","x":"\x"}"#, "JSON"), ("\u{FEFF}{\"action\":\"ping\"}", "JSON"),
      (#"{"action":"ping","x":1.}"#, "JSON"),
      (#"{"action":"ping","x":"# + nest + "}", "nest"),
      (#"{"action":"ping","x":"# + nest + String(repeating: "]", count: 10_000) + "}", "nest"),
      (String(repeating: #"{"a":"#, count: 10_000), "nest"),
      (#"{"action":"ping","action":"ping"}"#, "twice"), (#"{"action":"ping","\u0061ction":"ping"}"#, "twice"),
      (#"{"action":"put","key":"k","item":{"content":{"a":1,"a":2}}}"#, "twice"),
      (#"{"action":"ping","x":"\ud800"}"#, "surrogate"), (#"{"action":"ping","x":"\udc00\ud800"}"#, "surrogate"),
      (#"{"action":"ping","x":"\ud800\u0041"}"#, "surrogate"),
    ] {
      try refused(text, "invalid_json", naming: word)
    }
    for bytes: [UInt8] in [
      [0xFF], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC3],
    ] {
      let reply = try client.ask(Array(#"{"action":"ping","x":""#.utf8) + bytes + Array(#""}"#.utf8))
      #expect(reply.code == "invalid_json", "\(bytes): \(reply.text)")
    }
    #expect(try client.ask(#"{"action":"ping","x":"\ud83d\ude00"}"#).isSuccess)
    try expectNothingStored()
  }

  @Test("With an API key, only requests that bear it are answered, and nothing else is looked at before")
  func apiKey() throws {
    let locked = try HubFixture { $0.apiKey = "0123456789abcdef0123456789abcdef" }
    let client = try Client(locked)
    for rest in [
      #""action":"ping""#, #""action":"put","key":"k","item":{"content":"c"}"#, #""action":"none""#, "\"x\":1",
    ] {
      for key in [
        "", #","api_key":null"#, #","api_key":"""#, #","api_key":"wrong""#,
        #","api_key":"0123456789abcdef0123456789abcdeF""#,
        #","api_key":"0123456789abcdef0123456789abcde""#, #","api_key":"0123456789abcdef0123456789abcdef0""#,
      ] {
        let reply = try client.ask("{\(rest)\(key),\"request_id\":\"r\"}")
        #expect(reply.code == "unauthorized" && reply.requestID == "r", "\(reply.text)")
        #expect(!reply.text.contains("0123456789abcdef"))
      }
    }
    let right = #""api_key":"0123456789abcdef0123456789abcdef""#
    // Who has brought that many wrong keys is held back.
    let second = try Client(locked)
    #expect(try second.ask(#"{"action":"ping",\#(right)}"#).isSuccess)
    #expect(try second.ask(#"{"action":"list_keys",\#(right)}"#).result["count"] as? Int == 0)
  }
}
