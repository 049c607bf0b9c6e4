/// Sending whose bytes are counted until they have left the process. libzmq's high-water marks count messages: of
/// large replies a client that does not read could make a server hold gigabytes.
package import Bytes
internal import CZeroMQ
internal import Synchronization

/// Counts bytes that were handed to libzmq and have not left the process. Read it on any thread.
package final class SendCounter: Sendable {
  private let bytes = Atomic<Int>(0)
  private let whole: SendCounter?

  /// - Parameter whole: a counter that counts the same bytes too, together with others'.
  package init(within whole: SendCounter? = nil) { self.whole = whole }

  /// Bytes of frames that libzmq still holds: queued, or not yet taken by the kernel.
  package var outstanding: Int { bytes.load(ordering: .relaxed) }

  func add(_ count: Int) {
    bytes.wrappingAdd(count, ordering: .relaxed)
    whole?.add(count)
  }

  func subtract(_ count: Int) {
    bytes.wrappingSubtract(count, ordering: .relaxed)
    whole?.subtract(count)
  }
}

/// A frame's bytes on their way; released by libzmq's I/O thread.
private final class Parcel: Sendable {
  let frame: ByteBuffer
  let counter: SendCounter

  init(_ frame: consuming ByteBuffer, _ counter: SendCounter) {
    counter.add(frame.count)
    self.frame = frame
    self.counter = counter
  }

  deinit { counter.subtract(frame.count) }
}

extension Socket {
  /// Sends one frame as the last of its message, without copying it. Its bytes count in `counter` until libzmq has let
  /// go of them; when it is refused they are dropped, and count no more.
  package func send(
    owning frame: consuming ByteBuffer, countedIn counter: SendCounter, waiting: Bool = false
  ) throws(ZeroMQError) -> Sent {
    let parcel = Parcel(frame, counter)
    let hint = Unmanaged.passRetained(parcel)
    let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
    defer { message.deallocate() }
    let failure = zmq_msg_init_data(
      message, parcel.frame.base, parcel.frame.count,
      { _, hint in Unmanaged<Parcel>.fromOpaque(hint!).release() }, hint.toOpaque())
    guard failure == 0 else {
      hint.release()
      throw ZeroMQError("zmq_msg_init_data")
    }
    while zmq_msg_send(message, handle, waiting ? 0 : ZMQ_DONTWAIT) < 0 {
      let refusal: Sent?
      do throws(ZeroMQError) {
        refusal = try Socket.refusal("zmq_msg_send")
      } catch {
        zmq_msg_close(message)
        throw error
      }
      if let refusal {
        zmq_msg_close(message)
        return refusal
      }
    }
    return .sent
  }

  /// The same for a frame that is needed afterwards: it is copied once.
  package func send(_ frame: RawSpan, countedIn counter: SendCounter) throws(ZeroMQError) -> Sent {
    var copy = ByteBuffer(capacity: frame.byteCount)
    copy.append(frame)
    return try send(owning: copy, countedIn: counter)
  }
}
