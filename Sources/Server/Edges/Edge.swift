/// A transport beside ZeroMQ, as the service starts and stops it. The service knows no more of it than this, so that
/// event loops and concurrency stay where they are needed.
package import Logging

package protocol Edge: Sendable {
  /// Begins to listen. Returns the address for the line that says the hub is ready.
  func start() throws(ListenerError) -> String

  /// Takes nothing new; what was accepted is still answered. Does not wait.
  func beginStop()

  /// Ends, with what is left of it, within `milliseconds`. Without a start it does nothing; so does a second one.
  func end(milliseconds: Int)

  var figures: EdgeFigures { get }
}

package struct EdgeFigures: Sendable {
  /// Connections that are open.
  package let connections: Int
  /// Connections that were ended because there were too many, and because they did not get on.
  package let gaveWay: UInt64
  package let timedOut: UInt64
  /// Calls that were refused before the hub has seen them.
  package let callsRefused: UInt64
  /// What requests hold that are not answered yet.
  package let requestBytes: Int

  package init(connections: Int, gaveWay: UInt64, timedOut: UInt64, callsRefused: UInt64 = 0, requestBytes: Int = 0) {
    self.connections = connections
    self.gaveWay = gaveWay
    self.timedOut = timedOut
    self.callsRefused = callsRefused
    self.requestBytes = requestBytes
  }
}

/// What an edge is made of.
package struct EdgeContext: Sendable {
  package let gate: RequestGate
  package let lifecycle: Lifecycle
  /// Those of clients; nil: there is no file of them.
  package let keys: KeyWatch?
  package let logger: Logger
  /// In numbers, IPv6 without brackets.
  package let host: String
  /// 0: any free one.
  package let port: UInt16
  package let settings: EdgeSettings
  /// The figures of all edges by transport, this one among them.
  package let edges: @Sendable () -> [(type: String, figures: EdgeFigures)]
}

package struct EdgeSettings: Sendable {
  /// Requests that are larger are answered `too_large`; beyond twice as much the call is ended.
  package var requestBytes = 4 << 20
  package var replyBytes = 8 << 20
  package var threads = 1
  /// Calls that may be under way; more are refused.
  package var callsMax = 4_096 + 16_384
  /// nil: connections are in the clear.
  package var tls: TLSFiles?

  package init() {}
}

/// Files in PEM.
package struct TLSFiles: Sendable, Equatable {
  /// The server's certificate, and those between it and its root.
  package var certificate: String
  package var key: String
  /// Whose certificates clients have to show; nil: none is asked for.
  package var clientCA: String?
}

package struct EdgeMakers: Sendable {
  package typealias Maker = @Sendable (EdgeContext) -> any Edge
  package typealias TLSCheck = @Sendable (TLSFiles) throws(ListenerError) -> Void
  package var http: Maker?
  package var grpc: Maker?
  /// Reads the files as the two do when they start.
  package var checkTLS: TLSCheck?

  package init(http: Maker? = nil, grpc: Maker? = nil, checkTLS: TLSCheck? = nil) {
    self.http = http
    self.grpc = grpc
    self.checkTLS = checkTLS
  }
}
