/// A libzmq call that failed.
internal import CZeroMQ

package struct ZeroMQError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The call, as libzmq names it, and the endpoint or option if there was one.
  package let call: String
  /// The errno that libzmq gave; libzmq has some of its own beside the system's.
  package let number: Int32

  package init(_ call: String, _ number: Int32 = zmq_errno()) {
    self.call = call
    self.number = number
  }

  /// libzmq's words for the number.
  package var text: String { String(cString: zmq_strerror(number)) }

  package var description: String { "\(call): \(text)" }
}
