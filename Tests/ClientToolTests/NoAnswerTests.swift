/// `mfh` without an answer: exit code 69, and what is known of the outcome.
import Foundation
import TestSupport
import Testing

@Suite("No answer", .timeLimit(.minutes(10)))
struct NoAnswerTests {
  @Test(
    "Without a hub: where it was looked for, and what to do",
    arguments: [["get", "k"], ["put", "k", "v"]])
  func noHub(_ command: [String]) throws {
    let run = try mfh(command + ["--hub", "tcp://127.0.0.1:1", "--timeout", "1.5"])
    #expect(run.status == 69 && run.output.isEmpty && run.errorLines.count == 1)
    #expect(run.errors.contains("tcp://127.0.0.1:1 ") && run.errors.contains("1.5 s") && run.errors.contains("--hub"))
    #expect(!run.errors.contains("unknown"), "nothing was sent: \(run.errors)")
  }

  @Test(
    "A write without an answer says that the outcome is unknown, and names the id that makes sure",
    arguments: [["put", "k", "v"], ["delete", "k"], ["batch", "-"]])
  func unknownOutcome(_ command: [String]) throws {
    let hub = try PretendedHub(.silent)
    defer { hub.stop() }
    let run = try ProgramRun(
      "mfh", command + ["--timeout", "1.5"], input: Array(#"{"op":"delete","key":"k"}"#.utf8),
      environment: ["MFH_HUB": hub.address, "MFH_AGENT": ""])
    #expect(run.status == 69 && run.errorLines.count == 1 && run.errors.contains("unknown"))
    let sent = try #require(hub.requests.last)
    let request = try #require(try JSONSerialization.jsonObject(with: Data(sent.utf8)) as? [String: Any])
    #expect(request["agent_id"] as? String == "mfh")
    let id = try #require(request["request_id"] as? String)
    #expect(UUID(uuidString: id) != nil)
    #expect(run.errors.contains("--request-id \(id)"), "\(run.errors)")
  }

  @Test("A read without an answer has no outcome to worry about; a write without an agent can not be made sure of")
  func otherOutcomes() throws {
    let hub = try PretendedHub(.silent)
    defer { hub.stop() }
    let read = try mfh(["get", "k", "--hub", hub.address, "--timeout", "1.5"])
    #expect(read.status == 69 && read.errors.contains("1.5 s") && !read.errors.contains("unknown"))
    let anonymous = try mfh(["put", "k", "v", "--hub", hub.address, "--timeout", "1.5", "--agent", ""])
    #expect(anonymous.status == 69 && anonymous.errors.contains("--agent"))
    #expect(hub.requests.count == 2)
  }

  @Test("A hub that hangs is told from one that is not there")
  func hanging() throws {
    let server = try RunningServer()
    kill(server.processID, SIGSTOP)
    defer { kill(server.processID, SIGCONT) }
    let run = try mfh(["put", "k", "v", "--hub", server.address, "--timeout", "1.5"])
    #expect(run.status == 69 && run.errors.contains("stuck") && !run.errors.contains("unknown"))
  }

  @Test("A hub that answers with something else is exit code 69")
  func nonsense() throws {
    for body in [
      #"{"success":true,"result":{}}"#, "x", #"{"success":true,"result":{"found":true,"item":null,"revision":-1}}"#,
    ] {
      let hub = try PretendedHub(.body(body))
      defer { hub.stop() }
      for command in [
        ["get", "k"], ["put", "k", "v"], ["list"], ["health"], ["checksum"], ["ping"], ["exists", "k"],
      ] {
        let run = try mfh(command + ["--hub", hub.address])
        #expect(run.status == 69 && run.errorLines.count == 1, "\(command) \(body): \(run.errors)")
      }
    }
  }

  @Test("A list that never comes to an end ends")
  func endlessList() throws {
    let hub = try PretendedHub(.body(#"{"success":true,"result":{"keys":[],"count":0,"more":true}}"#))
    defer { hub.stop() }
    #expect(try mfh(["list", "--all", "--hub", hub.address]).status == 69)
  }

  @Test("An unhealthy hub is exit code 69, a degraded one is not")
  func unhealthy() throws {
    for (status, code) in [("healthy", Int32(0)), ("degraded", 0), ("unhealthy", 69)] {
      let hub = try PretendedHub(
        .body(
          #"{"success":true,"result":{"service":"s","status":"\#(status)","components":{"log":{"healthy":false,"info":{"error":"disk"}}}}}"#
        ))
      defer { hub.stop() }
      let run = try mfh(["health", "--hub", hub.address])
      #expect(run.status == code)
      #expect(run.output.contains("is \(status)\n") && run.output.contains("log        unhealthy  error disk\n"))
    }
  }
}
