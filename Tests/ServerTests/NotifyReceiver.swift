/// A service manager's socket, as a test sees it: real datagrams, in the file system or in the abstract namespace.
import Foundation
import Glibc
import Testing

final class NotifyReceiver {
  /// What `NOTIFY_SOCKET` is to be.
  let name: String
  private let descriptor: Int32
  private let path: String?

  init(isAbstract: Bool) throws {
    let text = "/tmp/mfh-notify-\(UUID().uuidString)"
    path = isAbstract ? nil : text
    name = (isAbstract ? "@" : "") + text
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = (isAbstract ? [0] : []) + Array(text.utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(2 + bytes.count)
    let outcome = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    try #require(outcome == 0, "a socket: errno \(errno)")
  }

  deinit {
    close(descriptor)
    if let path { unlink(path) }
  }

  /// The next message; nil when none comes in time.
  func receive(milliseconds: Int32 = 20_000) -> String? {
    var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&wait, 1, milliseconds) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
  }

  /// The next message that begins so; what comes before it is passed over, but for other states, which fail the test.
  func next(_ start: String, passing: [String]) throws -> String {
    while true {
      let message = try #require(receive(), "\(start) comes")
      if message.hasPrefix(start) { return message }
      try #require(passing.contains { message.hasPrefix($0) }, "\(message) instead of \(start)")
    }
  }
}
