/// The socket on which a service manager hears from its services: one datagram a message, as sd_notify(3) sends them, without
/// libsystemd. The protocol is part of systemd's stable interface (https://systemd.io/PORTABILITY_AND_STABILITY).
internal import Glibc

final class NotifySocket {
  private let descriptor: Int32
  private let address: [UInt8]

  /// Why no message can be sent.
  struct Problem: Error {
    let message: String
  }

  /// - Parameter name: the value of `NOTIFY_SOCKET`: a path from `/`, or `@` and a name in the abstract namespace.
  init(name: String) throws(Problem) {
    let bytes = Array(name.utf8)
    guard let first = bytes.first, bytes.count > 1, first == UInt8(ascii: "/") || first == UInt8(ascii: "@") else {
      throw Problem(message: "NOTIFY_SOCKET names neither a path nor an abstract socket")
    }
    guard bytes.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else {
      throw Problem(message: "NOTIFY_SOCKET is longer than a socket's address can be")
    }
    // The abstract namespace begins with a zero; its names have no other end than their length.
    address = first == UInt8(ascii: "@") ? [0] + bytes.dropFirst() : bytes + [0]
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Problem(message: "no socket: \(String(cString: strerror(errno)))") }
  }

  deinit { close(descriptor) }

  /// Sends one message.
  ///
  /// - Parameter waiting: waits when the manager is behind; otherwise the message is not sent then.
  /// - Returns: 0 or the number of the system's error.
  @discardableResult
  func send(_ message: String, waiting: Bool) -> Int32 {
    var target = sockaddr_un()
    target.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &target.sun_path) { path in unsafe path.copyBytes(from: address) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + address.count)
    let bytes = Array(message.utf8)
    let flags = Int32(MSG_NOSIGNAL) | (waiting ? 0 : Int32(MSG_DONTWAIT))
    let sent = unsafe withUnsafePointer(to: &target) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe sendto(descriptor, bytes, bytes.count, flags, generic, length)
      }
    }
    return sent == bytes.count ? 0 : errno
  }
}
