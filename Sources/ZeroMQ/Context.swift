/// Owns libzmq's I/O thread. One for a process is enough.
internal import CZeroMQ
internal import Glibc

package final class Context: @unchecked Sendable {
  let handle: UnsafeMutableRawPointer

  /// - Parameter maxSockets: how many sockets may be open at a time. Peers of a bound socket do not count.
  package init(maxSockets: Int32 = 65_535) throws(ZeroMQError) {
    Context.seedNames()
    guard let handle = zmq_ctx_new() else { throw ZeroMQError("zmq_ctx_new") }
    self.handle = handle
    guard zmq_ctx_set(handle, ZMQ_MAX_SOCKETS, maxSockets) == 0 else { throw ZeroMQError("zmq_ctx_set max_sockets") }
    // Sockets linger for ever by default, and a process that can not end is worse than a message that is not sent: a
    // socket that has something to say at its end says for how long.
    guard zmq_ctx_set(handle, ZMQ_BLOCKY, 0) == 0 else { throw ZeroMQError("zmq_ctx_set blocky") }
  }

  /// A router numbers the peers that bring no name, beginning with a number from `rand()`, which libzmq does not seed: it
  /// would be the same in every process. A peer that claims the next number as its name makes libzmq abort when it
  /// comes to give it (4.3.4, an assertion in `add_out_pipe`). Unknown, it takes 2^32 guesses.
  private static func seedNames() { srand(UInt32.random(in: .min ... .max)) }

  /// Waits until what the context's sockets still have to send is sent, each within its linger time. They are all
  /// closed by now: a socket keeps its context alive.
  deinit {
    while zmq_ctx_term(handle) != 0, zmq_errno() == EINTR {}
  }
}
