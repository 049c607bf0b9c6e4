/// Accepts gRPC's connections, with TLS where there is a certificate. The library's own listener would take TLS 1.2.
internal import EdgeLimits
internal import EdgeTLS
internal import GRPCNIOTransportHTTP2Posix
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

struct TCPListenerFactory: HTTP2ServerTransport.ListenerFactory {
  let eventLoopGroup: any EventLoopGroup
  let host: String
  let port: Int
  /// nil: connections are in the clear.
  let tls: NIOSSLContext?
  let table: ConnectionTable

  private static let backlog: Int32 = 1_024

  func makeListeningChannel(
    listenerConfigurator: HTTP2ServerTransport.ListenerConfigurator,
    connectionConfigurator: HTTP2ServerTransport.ConnectionConfigurator
  ) async throws -> NIOAsyncChannel<HTTP2ServerTransport.ConnectionConfigurator.ConnectionChannel, Never> {
    try await ServerBootstrap(group: eventLoopGroup)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.backlog, value: TCPListenerFactory.backlog)
      .serverChannelInitializer { channel in
        channel.pipeline.addHandler(AcceptErrors()).flatMap { listenerConfigurator.configure(channel: channel) }
      }
      .bind(host: host, port: port) { [tls, table] channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          if let tls {
            try pipeline.addHandler(NIOSSLServerHandler(context: tls))
            try pipeline.addHandler(ClientCertificate())
          }
          try pipeline.addHandler(GreetingWatch(table))
        }.flatMap {
          connectionConfigurator.configure(channel: channel, tls: tls == nil ? .none : .configured(requireALPN: true))
        }
      }
  }
}
