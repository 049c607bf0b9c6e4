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

  /// Connections that are open.
  var connections: Int { get }
}

/// What an edge is made of.
package struct EdgeContext: Sendable {
  package let gate: RequestGate
  package let lifecycle: Lifecycle
  package let logger: Logger
  /// In numbers, IPv6 without brackets.
  package let host: String
  /// 0: any free one.
  package let port: UInt16
  package let settings: EdgeSettings
  /// Open connections by transport, this one among them.
  package let connections: @Sendable () -> [(type: String, count: Int)]
}

package struct EdgeSettings: Sendable {
  /// Requests that are larger are answered `too_large`; beyond twice as much the call is ended.
  package var requestBytes = 4 << 20
  package var replyBytes = 8 << 20
  package var threads = 1
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
  package var http: Maker?
  package var grpc: Maker?

  package init(http: Maker? = nil, grpc: Maker? = nil) {
    self.http = http
    self.grpc = grpc
  }
}
