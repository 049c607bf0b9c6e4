/// Asks a hub and waits for the answer: one request at a time, each with its time limit.
internal import Bytes
package import ZeroMQ

package final class HubClient {
  package let address: HubAddress
  private let encryption: Encryption?
  private let context: Context
  private var connection: HubConnection?

  /// - Parameters:
  ///   - encryption: nil: what is sent can be read on its way.
  ///   - context: shared by many clients of one process; one of its own by default.
  package init(
    _ address: HubAddress, encryption: Encryption? = nil, context: Context? = nil
  ) throws(HubClientError) {
    self.address = address
    self.encryption = encryption
    do throws(ZeroMQError) {
      if let context { self.context = context } else { self.context = try Context() }
    } catch {
      throw .local(error)
    }
  }

  /// Waits until a connection stands. A request does so by itself; this is for those who want to know it earlier.
  package func connect(before deadline: Deadline) throws(HubClientError) {
    try open().connect(before: deadline)
  }

  /// Sends the request and waits for its reply.
  ///
  /// - Parameter reply: holds the reply afterwards, also when it is an error reply.
  package func perform(
    _ request: consuming HubRequest, before deadline: Deadline, reply: inout HubReply
  ) throws(HubClientError) {
    let body = request.finished()
    let connection = try open()
    do {
      try connection.send(body.bytes, before: deadline)
      try connection.receive(into: &reply.text, before: deadline)
    } catch {
      // A reply that comes late must not be taken for that of the next request.
      if case .unreachable = error { throw error }
      self.connection = nil
      throw error
    }
    try reply.read()
  }

  private func open() throws(HubClientError) -> HubConnection {
    if let connection { return connection }
    let opened = try HubConnection(to: address, encryption: encryption, in: context)
    connection = opened
    return opened
  }
}
