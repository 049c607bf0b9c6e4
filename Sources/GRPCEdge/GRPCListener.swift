/// gRPC over HTTP/2: the listener, its limits, and its end. What the methods do is in `HubMethods`.
internal import EdgeLimits
internal import EdgeTLS
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import NIOCore
internal import NIOPosix
package import Server
internal import Threads

package final class GRPCListener: Edge {
  private let context: EdgeContext
  private let table = ConnectionTable(max: GRPCListener.connectionsMax)
  private let requests: RequestBudget
  private let listening = EdgeRun()
  private let server = Monitor<GRPCServer<BoundedTransport>?>(nil)

  /// Of all clients together, and of one connection. A message takes several times as much while it is made and sent.
  private static let replyBytesInFlightMax = 64 << 20
  private static let peerReplyBytesInFlightMax = 16 << 20
  private static let requestBytesInFlightMax = 32 << 20
  private static let peerRequestBytesInFlightMax = 16 << 20
  /// A call takes some 20 KiB, whether it has begun or not.
  private static let callsMax = 4_096
  private static let streamsMax = 256
  private static let connectionsMax = 4_096

  package init(_ context: EdgeContext) {
    self.context = context
    requests = RequestBudget(
      callsMax: min(context.settings.callsMax, GRPCListener.callsMax), bytesMax: GRPCListener.requestBytesInFlightMax,
      connectionBytesMax: GRPCListener.peerRequestBytesInFlightMax)
  }

  package var figures: EdgeFigures {
    EdgeFigures(
      connections: table.open, gaveWay: table.gaveWay, timedOut: table.timedOut, callsRefused: requests.refused,
      requestBytes: requests.bytes)
  }

  package func start() throws(ListenerError) -> String {
    let tls = try context.settings.tls.map { files throws(ListenerError) in
      try ServerTLS.context(files, protocols: ["h2"])
    }
    let threads = max(1, min(context.settings.threads, System.coreCount))
    let factory = TCPListenerFactory(
      eventLoopGroup: MultiThreadedEventLoopGroup(numberOfThreads: threads), host: context.host,
      port: Int(context.port), tls: tls, table: table)
    let transport = BoundedTransport.Base(listenerFactory: factory, config: configuration)
    let server = GRPCServer(
      transport: BoundedTransport(
        base: transport,
        budget: ReplyBudget(
          bytesMax: GRPCListener.replyBytesInFlightMax, peerBytesMax: GRPCListener.peerReplyBytesInFlightMax)),
      router: GRPCListener.router(context))
    self.server.with { $0 = server }
    return try listening.start { [self] () async throws(ListenerError) in
      async let isListening: Void = tell(transport)
      try await run(server)
      await isListening
    }
  }

  /// Says where it listens; never, when it does not come to that.
  private func tell(_ transport: BoundedTransport.Base) async {
    guard let address = await transport.listeningAddress else { return }
    listening.listens(at: "\(BindAddress.inURL(context.host)):\(address.ipv4?.port ?? address.ipv6?.port ?? 0)")
  }

  private var configuration: BoundedTransport.Base.Config {
    var config = BoundedTransport.Base.Config.defaults
    // Up to twice the limit is answered with `too_large`; beyond that the library ends the call.
    config.rpc.maxRequestPayloadSize = context.settings.requestBytes * 2
    config.http2.maxConcurrentStreams = GRPCListener.streamsMax
    config.http2.targetWindowSize = 256 << 10
    config.connection.keepalive.time = .seconds(60)
    config.connection.keepalive.clientBehavior.minPingIntervalWithoutCalls = .seconds(5)
    config.connection.keepalive.clientBehavior.allowWithoutCalls = true
    config.connection.maxIdleTime = .seconds(600)
    config.channelDebuggingCallbacks.onAcceptTCPConnection = { [table] in GRPCListener.accept($0, table) }
    config.channelDebuggingCallbacks.onAcceptHTTP2Stream = { [table, requests] stream in
      CertificateHeader.add(to: stream).flatMapThrowing {
        guard let connection = stream.parent else { return }
        try stream.pipeline.syncOperations.addHandler(
          CallGuard(requests, table, connection: ObjectIdentifier(connection)), position: .first)
      }
    }
    return config
  }

  private static func accept(_ connection: any Channel, _ table: ConnectionTable) -> EventLoopFuture<Void> {
    let id = ObjectIdentifier(connection)
    connection.closeFuture.whenComplete { _ in table.leave(id) }
    let isWelcome = table.enter(id) { connection.close(promise: nil) }
    return isWelcome ? connection.eventLoop.makeSucceededVoidFuture() : connection.close()
  }

  private static func router(_ context: EdgeContext) -> Router {
    var router = Router()
    HubMethods(
      caller: HubCaller(gate: context.gate, lifecycle: context.lifecycle), replyBytesMax: context.settings.replyBytes
    ).register(in: &router)
    HealthMethods(gate: context.gate, lifecycle: context.lifecycle, keys: context.keys).register(in: &router)
    return router
  }

  private func run(_ server: GRPCServer<BoundedTransport>) async throws(ListenerError) {
    do {
      try await server.serve()
    } catch {
      let place = "\(BindAddress.inURL(context.host)):\(context.port)"
      let cause = (error as? RuntimeError)?.cause ?? error
      throw ListenerError(
        "binding gRPC to \(place): \(cause)", number: (cause as? IOError)?.errnoCode ?? 0, flag: "--grpc-port")
    }
  }

  package func beginStop() { server.with { $0 }?.beginGracefulShutdown() }

  package func end(milliseconds: Int) {
    if !listening.waitForEnd(milliseconds: milliseconds) { listening.cancel() }
  }
}
