/// What a service manager hears from the real program, on a real datagram socket.
import Foundation
import Glibc
import Testing
import ZeroMQ

@Suite("The service manager", .timeLimit(.minutes(10)))
struct ServiceManagerTests {
  private let scratch: ScratchDirectory
  init() throws { scratch = try ScratchDirectory() }

  private func start(_ environment: [String: String]) throws -> ServerProcess {
    try ServerProcess(
      ["--data-dir", scratch.path + "/data", "--zmq-port", "auto", "--grpc-port", "0", "--metrics-port", "0"],
      environment: environment)
  }

  @Test("It hears of the start, of readiness, of the status, and of the stop, in this order", arguments: [false, true])
  func life(isAbstract: Bool) throws {
    let receiver = try NotifyReceiver(isAbstract: isAbstract)
    let server = try start(["NOTIFY_SOCKET": receiver.name])
    #expect(receiver.receive()?.hasPrefix("STATUS=opening the store in \(scratch.path)") == true)
    #expect(receiver.receive() == "READY=1\nSTATUS=healthy; revision 0, keys 0")
    _ = try Client(try server.endpoint(), Context()).put("k", "x")
    #expect(receiver.receive() == "STATUS=healthy; revision 1, keys 1")
    server.signal(SIGTERM)
    #expect(receiver.receive() == "STOPPING=1\nSTATUS=answering what was accepted")
    #expect(try server.wait() == 0)
    #expect(receiver.receive(milliseconds: 0) == nil, "without WATCHDOG_USEC nothing is sent but that")
  }

  @Test("With a watchdog the loop is heard of, idle or not, and falls silent when the process hangs")
  func watchdog() throws {
    let receiver = try NotifyReceiver(isAbstract: false)
    let server = try start(["NOTIFY_SOCKET": receiver.name, "WATCHDOG_USEC": "200000"])
    _ = try receiver.next("READY=1", passing: ["STATUS="])
    for _ in 0..<5 { #expect(try receiver.next("WATCHDOG=1", passing: ["STATUS="]) == "WATCHDOG=1") }
    server.signal(SIGSTOP)
    // What was sent before the signal took hold.
    while receiver.receive(milliseconds: 500) != nil {}
    #expect(receiver.receive(milliseconds: 1_000) == nil)
    server.signal(SIGCONT)
    _ = try receiver.next("WATCHDOG=1", passing: ["STATUS="])
    server.signal(SIGTERM)
    _ = try receiver.next("STOPPING=1", passing: ["STATUS=", "WATCHDOG="])
    #expect(try server.wait() == 0)
  }

  @Test("A watchdog that is meant for another process is left alone")
  func otherProcess() throws {
    let receiver = try NotifyReceiver(isAbstract: false)
    let server = try start(["NOTIFY_SOCKET": receiver.name, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"])
    _ = try receiver.next("READY=1", passing: ["STATUS="])
    #expect(receiver.receive(milliseconds: 1_000) == nil)
    server.signal(SIGTERM)
    _ = try receiver.next("STOPPING=1", passing: [])
    #expect(try server.wait() == 0)
  }

  @Test(
    "A socket that is not there, or of a kind that is not known, is told once and harms nothing",
    arguments: ["/nowhere/notify", "vsock:2:1234", "@", "/" + String(repeating: "x", count: 200)])
  func noSocket(name: String) throws {
    let server = try start(["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "100000"])
    _ = try Client(try server.endpoint(), Context()).put("k", "x")
    server.signal(SIGTERM)
    #expect(try server.wait() == 0)
    let told = try server.errorObjects().filter { ($0["message"] as? String)?.contains("service manager") == true }
    #expect(told.count == 1 && told.first?["level"] as? String == "warning")
    #expect(told.first?["category"] as? String == "configuration")
  }

  @Test("The process leaves no core dump unless somebody asks for one")
  func coreDump() throws {
    // Here somebody asks: what the server inherits allows dumps.
    var before = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &before)
    defer { setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &before) }
    var all = before
    all.rlim_cur = all.rlim_max
    try #require(setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &all) == 0)
    let server = try start([:])
    _ = try server.endpoint()
    let limits = try String(contentsOfFile: "/proc/\(server.processID)/limits", encoding: .utf8)
    let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") })
    #expect(line.split(whereSeparator: \.isWhitespace)[4] == "0")
    server.signal(SIGTERM)
    #expect(try server.wait() == 0)
  }
}
