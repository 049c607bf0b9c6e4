/// Waits until a socket or a file descriptor is readable.
internal import CZeroMQ

package struct Poller: ~Copyable {
  private let items: UnsafeMutablePointer<zmq_pollitem_t>
  private let count: Int
  /// The items hold bare handles: the sockets must not end before them.
  private let sockets: [Socket]

  /// Sockets come first, then the descriptors, in the order given: that is each one's index.
  package init(sockets: [Socket], descriptors: [Int32] = []) {
    self.sockets = sockets
    count = sockets.count + descriptors.count
    items = .allocate(capacity: max(count, 1))
    for (index, socket) in sockets.enumerated() {
      (items + index).initialize(
        to: zmq_pollitem_t(socket: socket.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0))
    }
    for (index, descriptor) in descriptors.enumerated() {
      (items + sockets.count + index).initialize(
        to: zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
    }
  }

  deinit { items.deallocate() }

  /// Waits at most `milliseconds`; -1 waits for ever. An interrupting signal ends the wait early.
  ///
  /// - Returns: how many are ready.
  @discardableResult
  package mutating func wait(milliseconds: Int) throws(ZeroMQError) -> Int {
    let ready = zmq_poll(items, Int32(count), milliseconds)
    if ready >= 0 { return Int(ready) }
    let failure = zmq_errno()
    guard failure == EINTR else { throw ZeroMQError("zmq_poll", failure) }
    // What an interrupted poll leaves in the items is the answer to the one before.
    for index in 0..<count { items[index].revents = 0 }
    return 0
  }

  /// Whether reading would not wait; true too for a descriptor that is in error, so that reading tells of it.
  package func isReadable(_ index: Int) -> Bool {
    precondition(index >= 0 && index < count, "no such socket or descriptor")
    return items[index].revents != 0
  }
}
