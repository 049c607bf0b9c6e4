/// Requests that come through the gate: answered as at the socket, bounded, and not left without an answer by a stop.
import Access
import Foundation
import Synchronization
import Testing
import Threads

@testable import Server

/// Collects what calls are answered.
final class Answers: Sendable {
  private let replies = Monitor<[String]>([])

  func call(_ body: String, certificate: PublicKeyPin? = nil) -> GateCall {
    GateCall(Array(body.utf8), certificate: certificate) { [replies] reply in
      replies.with(waking: true) { $0.append(String(decoding: reply, as: UTF8.self)) }
    }
  }

  var count: Int { replies.with { $0.count } }
  var all: [String] { replies.with { $0 } }

  func wait(for count: Int) throws -> [String] {
    try #require(replies.wait(milliseconds: 20_000) { $0.count >= count ? $0 : nil }, "\(self.count) of \(count) came")
  }
}

@Suite struct GateTests {
  @Test("A call is answered as a request at the socket is, with the same bytes but for the time")
  func sameAnswers() throws {
    let hub = try HubFixture()
    let client = try Client(hub.endpoint, hub.context)
    for body in [
      #"{"action":"put","agent_id":"a","key":"k","item":{"content":"x","n":1.50}}"#, #"{"action":"get","key":"k"}"#,
      #"{"action":"put","key":"k","item":{"content":"y"},"if_revision":0,"request_id":"r"}"#, #"{"action":"none"}"#,
      #"{"action":"list_keys"}"#, "{", "", #"{"action":"checksum"}"#, #"{"action":"get","key":"k","at_revision":1}"#,
    ] {
      let answers = Answers()
      #expect(hub.gate.submit(answers.call(body)) == nil)
      let told = try answers.wait(for: 1)[0]
      let again = try client.ask(body).text
      if !body.contains(#""content":"x""#) { #expect(withoutTime(told) == withoutTime(again)) }
    }
    #expect(hub.stop() == nil)
  }

  private func withoutTime(_ reply: String) -> String {
    reply.replacing(/"timestamp":"[^"]*"}?$|"timestamp":"[^"]*","request_id"/, with: "")
  }

  @Test("A call waits for its commit, for its revision and for its event like any other")
  func waits() throws {
    let hub = try HubFixture()
    let (reader, feed, writer) = (Answers(), Answers(), Answers())
    #expect(hub.gate.submit(reader.call(#"{"action":"get","key":"k","min_revision":1,"wait_ms":20000}"#)) == nil)
    #expect(hub.gate.submit(feed.call(#"{"action":"events","from_revision":1,"wait_ms":20000}"#)) == nil)
    #expect(hub.gate.submit(writer.call(#"{"action":"put","key":"k","item":{"content":"x"}}"#)) == nil)
    #expect(try writer.wait(for: 1)[0].contains(#""revision":1"#))
    #expect(try reader.wait(for: 1)[0].contains(#""found":true"#))
    #expect(try feed.wait(for: 1)[0].contains(#""event_type":"CREATE""#))
    #expect(hub.stop() == nil)
  }

  @Test("What was abandoned before the loop came to it is not done")
  func abandoned() throws {
    let hub = try HubFixture()
    let (gone, here) = (Answers(), Answers())
    let call = gone.call(#"{"action":"put","key":"k","item":{"content":"x"}}"#)
    call.abandon()
    #expect(hub.gate.submit(call) == nil)
    // What is acknowledged behind it would be the second revision.
    #expect(hub.gate.submit(here.call(#"{"action":"put","key":"l","item":{"content":"x"}}"#)) == nil)
    #expect(try here.wait(for: 1)[0].contains(#""revision":1"#))
    #expect(hub.gate.submit(here.call(#"{"action":"exists","key":"k"}"#)) == nil)
    #expect(try here.wait(for: 2)[1].contains(#""exists":false"#))
    #expect(gone.count == 0)
    #expect(hub.stop() == nil)
  }

  @Test("A gate takes so many calls and no more, nothing before it is open, nothing after it is closed")
  func bounds() {
    let gate = RequestGate(waking: WakeUp(), callsMax: 3)
    let answers = Answers()
    #expect(gate.submit(answers.call("1")) == .closed)
    gate.open()
    for _ in 0..<3 { #expect(gate.submit(answers.call("1")) == nil) }
    #expect(gate.submit(answers.call("1")) == .full && gate.depth == 3 && !gate.isEmpty)
    #expect(gate.takeCalls().count == 3 && gate.isEmpty)
    #expect(gate.submit(answers.call("1")) == nil)
    gate.close()
    #expect(gate.submit(answers.call("1")) == .closed)
    gate.open()
    #expect(gate.submit(answers.call("1")) == .closed, "what is closed stays closed")
    #expect(gate.takeCalls().count == 1, "what was accepted can still be taken")
  }

  @Test("A gate holds 64 MiB of calls at most")
  func bytes() {
    let gate = RequestGate(waking: WakeUp(), callsMax: 1_000)
    gate.open()
    let body = [UInt8](repeating: 0x20, count: 16 << 20)
    var taken = 0
    while taken < 10, gate.submit(GateCall(body) { _ in }) == nil { taken += 1 }
    #expect(taken == 4)
  }

  @Test(
    "Each call around a stop is answered once or refused at the gate, and what was acknowledged is there afterwards")
  func stop() throws {
    let directory = NSTemporaryDirectory() + "/mfh-gate-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let hub = try HubFixture { $0.directory = directory }
    let answers = Answers()
    let accepted = Monitor(0)
    let gate = hub.gate
    let writers = (0..<3).map { writer in
      NamedThread("test-writer") {
        for number in 0..<100_000 {
          let body = #"{"action":"put","key":"\#(writer)-\#(number)","item":{"content":"x"}}"#
          switch gate.submit(answers.call(body)) {
          case nil: accepted.with { $0 += 1 }
          case .full: NamedThread.pause()
          case .closed: return
          }
        }
      }
    }
    _ = try answers.wait(for: 200)
    #expect(hub.stop() == nil)
    for writer in writers { writer.join() }
    let replies = try answers.wait(for: accepted.with { $0 })
    #expect(replies.count == accepted.with { $0 })
    let stored = replies.filter { $0.contains(#""stored":true"#) }.count
    let refused = replies.filter { $0.contains("shutting_down") || $0.contains("overloaded") }.count
    #expect(stored >= 200 && stored + refused == replies.count)
    let again = try HubFixture { $0.directory = directory }
    let checksum = try Client(again.endpoint, again.context).ask(#"{"action":"checksum"}"#).text
    #expect(checksum.contains(#""revision":\#(stored),"keys":\#(stored),"#), "\(stored) were acknowledged: \(checksum)")
    again.stop()
  }
}
