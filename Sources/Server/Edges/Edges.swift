/// The transports beside ZeroMQ, in the order in which they come up and go down: HTTP first and last, so that whoever
/// watches the hub is answered all the time; gRPC only while requests can be answered.
internal import Logging
internal import Threads

final class Edges {
  let gate: RequestGate
  let lifecycle = Lifecycle()
  private let http: (any Edge)?
  private let grpc: (any Edge)?
  private(set) var httpAddress = ""
  private(set) var grpcAddress = ""
  /// Why HTTP is not there. Told when the store is open: one that somebody else has locked is the better reason.
  private(set) var problem: ListenerError?

  private static let endMilliseconds = 2_000

  init(
    _ options: HubServiceOptions, _ keys: KeyWatch?, _ makers: EdgeMakers, _ logger: Logger, waking wakeUp: WakeUp
  ) {
    let gate = RequestGate(waking: wakeUp, callsMax: options.requestsMax)
    let list = EdgeList()
    self.gate = gate
    let lifecycle = lifecycle
    var settings = options.edges
    settings.callsMax = options.requestsMax
    func make(_ type: String, _ maker: EdgeMakers.Maker?, _ port: UInt16?) -> (any Edge)? {
      guard let maker, let port else { return nil }
      let edge = maker(
        EdgeContext(
          gate: gate, lifecycle: lifecycle, keys: keys, logger: logger, host: options.bindAddress, port: port,
          settings: settings, edges: { list.figures }))
      list.add(type, edge)
      return edge
    }
    http = make("http", makers.http, options.httpPort)
    grpc = make("grpc", makers.grpc, options.grpcPort)
  }

  func startHTTP() {
    do throws(ListenerError) {
      httpAddress = try http?.start() ?? ""
    } catch {
      problem = error
    }
  }

  func startGRPC() throws(ListenerError) { grpcAddress = try grpc?.start() ?? "" }

  func beginStop() {
    lifecycle.enter(.stopping)
    grpc?.beginStop()
  }

  /// Once everything is answered: what gRPC still has to send leaves, and its connections end.
  func endGRPC() { grpc?.end(milliseconds: Edges.endMilliseconds) }

  func end() {
    gate.close()
    grpc?.end(milliseconds: 0)
    lifecycle.enter(.stopped)
    http?.end(milliseconds: Edges.endMilliseconds)
  }
}

/// The edges by name: each of them tells of all.
private final class EdgeList: Sendable {
  private let edges = Monitor<[(String, any Edge)]>([])

  func add(_ type: String, _ edge: any Edge) { edges.with { $0.append((type, edge)) } }

  var figures: [(type: String, figures: EdgeFigures)] { edges.with { $0.map { ($0.0, $0.1.figures) } } }
}
