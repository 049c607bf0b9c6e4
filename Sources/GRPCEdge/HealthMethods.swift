/// `grpc.health.v1.Health`: whether requests should be sent here. The answer is that of `/readyz`, and like that page it is
/// for everybody but those whose certificate was revoked.
internal import Access
internal import GRPCCore
internal import Hub
internal import HubProtos
internal import Server
internal import SwiftProtobuf
internal import Synchronization

struct HealthMethods: Sendable {
  let gate: RequestGate
  let lifecycle: Lifecycle
  /// Those of clients; nil: there is no file of them.
  let keys: KeyWatch?

  private static let service = "grpc.health.v1.Health"
  private static let patience = Duration.milliseconds(800)
  private static let interval = Duration.milliseconds(250)

  typealias Status = Grpc_Health_V1_HealthCheckResponse.ServingStatus

  func register(in router: inout Router) {
    let table = MethodTable(service: HealthMethods.service, replyBytesMax: 1 << 10)
    table.unary("Check", in: &router) {
      [self] (request: ServerRequest<Grpc_Health_V1_HealthCheckRequest>) -> Grpc_Health_V1_HealthCheckResponse in
      try check(CertificateHeader.pin(request.metadata))
      guard HealthMethods.isKnown(request.message.service) else {
        throw RPCError(code: .notFound, message: "there is no such service")
      }
      return .with { [status = await status()] in $0.status = status }
    }
    table.register("Watch", in: &router, type: .serverStreaming) { [self] request in
      let request = try await ServerRequest<Grpc_Health_V1_HealthCheckRequest>(stream: request)
      let isKnown = HealthMethods.isKnown(request.message.service)
      let deadline = Deadline(request.metadata)
      let certificate = CertificateHeader.pin(request.metadata)
      return StreamingServerResponse { writer in
        try await watch(isKnown: isKnown, certificate, deadline, writer)
        return [:]
      }
    }
  }

  private static func isKnown(_ service: String) -> Bool {
    service.isEmpty || service == HubMethods.service || service == HealthMethods.service
  }

  private func check(_ certificate: PublicKeyPin?) throws(RPCError) {
    guard let keys, keys.refuses(certificate) else { return }
    let refusal = KeyWatch.certificateRevoked
    throw RPCError(refusal.code, refusal.message)
  }

  /// Tells of every change until the client has enough, or the hub stops.
  private func watch(
    isKnown: Bool, _ certificate: PublicKeyPin?, _ deadline: Deadline,
    _ writer: RPCWriter<Grpc_Health_V1_HealthCheckResponse>
  ) async throws {
    let isOver = Flag()
    try await withRPCCancellationHandler {
      var told: Status?
      while true {
        try check(certificate)
        let status = isKnown ? await status() : .serviceUnknown
        if status != told { try await writer.write(.with { $0.status = status }) }
        told = status
        // A stop of the server counts as a cancellation too, and has been told now.
        if lifecycle.phase == .stopping || lifecycle.phase == .stopped { return }
        if isOver.isSet { throw deadline.error }
        try await Task.sleep(for: HealthMethods.interval)
      }
    } onCancelRPC: {
      isOver.set()
    }
  }

  private func status() async -> Status {
    guard lifecycle.phase == .serving else { return .notServing }
    let answer = OneShot<Bool>()
    guard gate.observe({ answer.give(!$0.isUnhealthy) }) == nil else { return .notServing }
    let timer = Task {
      try await Task.sleep(for: HealthMethods.patience)
      answer.give(false)
    }
    defer { timer.cancel() }
    return await answer.value() ? .serving : .notServing
  }
}

/// Set once, from wherever.
private final class Flag: Sendable {
  private let state = Atomic<Bool>(false)
  var isSet: Bool { state.load(ordering: .relaxed) }
  func set() { state.store(true, ordering: .relaxed) }
}
