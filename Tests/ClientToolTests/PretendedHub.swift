/// A socket that behaves as no real hub does: it keeps silent, answers late, answers nonsense, goes away.
import Bytes
import Foundation
import Synchronization
import ZeroMQ

final class PretendedHub: Sendable {
  enum Behaviour: Sendable {
    /// Takes every request, answers none.
    case silent
    /// Answers each request with these frames.
    case frames([[UInt8]])
    /// Answers each request with this body.
    case body(String)
    /// Answers each request with the next body, and in the end with the last one.
    case bodies([String])
    /// Answers the first request with the first body, but only when the second request has come; then that one.
    case late(String, String)
    /// Closes its socket on the first request.
    case leaves
  }

  let address: String
  private let received = Mutex<[String]>([])
  private let firstSender = Mutex<[UInt8]>([])
  private let isStopping = Atomic<Bool>(false)
  private let ended = DispatchSemaphore(value: 0)

  init(_ behaviour: Behaviour) throws {
    nonisolated(unsafe) var socket: Socket? = try Socket(.router, in: Context())
    address = try socket!.bind("tcp://127.0.0.1:*")
    try socket!.set(.linger, 0)
    let thread = Thread { [self] in
      while !isStopping.load(ordering: .acquiring), let open = socket {
        do {
          if try !answer(behaviour, on: open) { socket = nil }
        } catch {
          socket = nil
        }
      }
      // Whoever waits for the end may want the port to be free.
      socket = nil
      ended.signal()
    }
    thread.start()
  }

  /// The bodies of the requests so far.
  var requests: [String] { received.withLock { $0 } }

  func stop() {
    isStopping.store(true, ordering: .releasing)
    ended.wait()
  }

  private func answer(_ behaviour: Behaviour, on socket: Socket) throws -> Bool {
    var poller = Poller(sockets: [socket])
    guard try poller.wait(milliseconds: 10) > 0 else { return true }
    let request = try frames(from: socket)
    let count = received.withLock {
      $0.append(String(decoding: request.last ?? [], as: UTF8.self))
      return $0.count
    }
    switch behaviour {
    case .silent: break
    case .frames(let frames): try send([request[0]] + frames, on: socket)
    case .body(let body): try send([request[0], [], Array(body.utf8)], on: socket)
    case .bodies(let bodies):
      try send([request[0], [], Array(bodies[min(count, bodies.count) - 1].utf8)], on: socket)
    case .late(let first, let second):
      if count == 1 {
        firstSender.withLock { $0 = request[0] }
      } else {
        try send([firstSender.withLock { $0 }, [], Array(first.utf8)], on: socket)
        try send([request[0], [], Array(second.utf8)], on: socket)
      }
    case .leaves: return false
    }
    return true
  }

  private func frames(from socket: Socket) throws -> [[UInt8]] {
    var frames: [[UInt8]] = []
    var more = true
    while more {
      var frame = ByteBuffer()
      guard case .frame(let another) = try socket.receive(into: &frame, waiting: true) else { return frames }
      frames.append(frame.bytes.array())
      more = another
    }
    return frames
  }

  private func send(_ frames: [[UInt8]], on socket: Socket) throws {
    for (index, frame) in frames.enumerated() {
      _ = try socket.send(frame.span.bytes, more: index < frames.count - 1, waiting: true)
    }
  }
}

/// A plain TCP listener that takes connections, says `greeting` and hangs up, or says nothing.
final class ForeignListener {
  let address: String
  private let descriptor: Int32
  private let thread: Thread

  init(greeting: String) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        precondition(bind(listener, address, length) == 0 && listen(listener, 8) == 0, "a listener on loopback")
        getsockname(listener, address, &length)
      }
    }
    address = "tcp://127.0.0.1:\(UInt16(bigEndian: name.sin_port))"
    descriptor = listener
    thread = Thread {
      var taken: [Int32] = []
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { break }
        if greeting.isEmpty {
          taken.append(connection)
        } else {
          _ = write(connection, greeting, greeting.utf8.count)
          close(connection)
        }
      }
      for connection in taken { close(connection) }
    }
    thread.start()
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }
}
