/// HTTP for those who watch the hub: it listens from the start of the process to its end. What is said is decided in
/// `Server/Edges/MonitoringPages`.
internal import EdgeLimits
internal import EdgeTLS
internal import HummingbirdCore
internal import HummingbirdTLS
internal import Logging
internal import NIOCore
internal import NIOPosix
package import Server
internal import ServiceLifecycle

package final class HTTPListener: Edge {
  private let context: EdgeContext
  private let pages: PageResponder
  private let table = ConnectionTable(max: HTTPListener.connectionsMax)
  private let listening = EdgeRun()
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  /// Those who watch are few; each costs a file.
  private static let connectionsMax = 512
  private static let backlog = 1_024

  package init(_ context: EdgeContext) {
    self.context = context
    pages = PageResponder(context)
  }

  package var figures: EdgeFigures {
    EdgeFigures(connections: table.open, gaveWay: table.gaveWay, timedOut: table.timedOut)
  }

  package func start() throws(ListenerError) -> String {
    let server = try builder()
    return try listening.start { [self] () async throws(ListenerError) in try await run(server) }
  }

  /// - Throws: `ListenerError` that names the setting whose file can not be used.
  package static func check(_ files: TLSFiles) throws(ListenerError) {
    _ = try ServerTLS.context(files, protocols: ["http/1.1"])
  }

  private func builder() throws(ListenerError) -> HTTPServerBuilder {
    let plain = HTTPServerBuilder.http1(configuration: channelConfiguration)
    guard let files = context.settings.tls else { return plain }
    // What is wrong with the files is told in our words; the library reads them once more.
    try HTTPListener.check(files)
    let configuration = try ServerTLS.configuration(files, protocols: ["http/1.1"])
    do { return try .tls(plain, tlsConfiguration: configuration) } catch {
      throw ListenerError(configuration: "TLS for HTTP: \(error)")
    }
  }

  private func run(_ server: HTTPServerBuilder) async throws(ListenerError) {
    let pages = pages
    var logger = context.logger
    // What becomes of single connections is no news, and that there is an end is none to it either.
    logger.logLevel = .critical
    do {
      let service = try server.buildServer(
        configuration: ServerConfiguration(
          address: .hostname(context.host, port: Int(context.port)), backlog: HTTPListener.backlog),
        eventLoopGroup: group, logger: logger,
        responder: { request, writer, connection in
          try await pages.respond(to: request, writer, on: connection)
        },
        onServerRunning: { [self] channel in
          try? await channel.pipeline.addHandler(AcceptErrors(), position: .first)
          let scheme = context.settings.tls == nil ? "http" : "https"
          listening.listens(
            at: "\(scheme)://\(BindAddress.inURL(context.host)):\(channel.localAddress?.port ?? 0)")
        })
      try await service.run()
    } catch {
      throw ListenerError(
        "binding HTTP to \(BindAddress.inURL(context.host)):\(context.port): \(error)",
        number: (error as? IOError)?.errnoCode ?? 0, flag: "--metrics-port")
    }
  }

  private var channelConfiguration: HTTP1Channel.Configuration {
    HTTP1Channel.Configuration(
      additionalChannelHandlers: [RequestWatch(self.table), ClientCertificate()],
      httpDecoderConfiguration: .init(maxHeaderFieldSize: 8 << 10, maxHeaderListSize: 16 << 10, maxHeaderFieldCount: 64)
    )
  }

  package func beginStop() {}

  package func end(milliseconds: Int) {
    listening.cancel()
    listening.waitForEnd(milliseconds: milliseconds)
  }
}
