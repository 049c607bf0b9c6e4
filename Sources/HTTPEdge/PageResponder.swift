/// One request for a page: who asks, method and path, what the request loop says, the response.
internal import Access
internal import EdgeTLS
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore
internal import Server

struct PageResponder: Sendable {
  private let pages: MonitoringPages
  private let gate: RequestGate
  private let asksForCertificates: Bool

  /// How long the request loop may take to tell of itself. Probes wait longer, mostly.
  private static let patience = Duration.milliseconds(800)

  init(_ context: EdgeContext) {
    pages = MonitoringPages(lifecycle: context.lifecycle, keys: context.keys, edges: context.edges)
    gate = context.gate
    asksForCertificates = context.settings.tls?.clientCA != nil
  }

  /// - Throws: what ends the connection.
  func respond(
    to request: Request, _ writer: consuming ResponseWriter, on connection: any Channel
  ) async throws {
    let refusal = pages.refusal(of: try await certificate(of: connection))
    let reply = if let refusal { Reply(refusal) } else { await reply(to: request) }
    var head = HTTPResponse(status: reply.status)
    head.headerFields[.contentType] = reply.contentType
    head.headerFields[.contentLength] = String(reply.body.count)
    head.headerFields[.cacheControl] = "no-store"
    if reply.status == .methodNotAllowed { head.headerFields[.allow] = "GET, HEAD" }
    if request.method == .head {
      try await writer.writeResponse(head)
    } else {
      try await writer.write(response: head, body: ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body)))
    }
  }

  private struct Reply {
    var status: HTTPResponse.Status
    var contentType = "text/plain; charset=utf-8"
    var body: [UInt8]

    init(_ status: HTTPResponse.Status, _ text: String) {
      self.status = status
      body = Array(text.utf8)
    }

    init(_ reply: MonitoringReply) {
      status = .init(code: reply.status)
      contentType = reply.contentType
      body = reply.body
    }
  }

  /// The key of the certificate that the connection has shown, asked for with each request: a connection may be older
  /// than the revocation. Nil when no certificate is asked for.
  ///
  /// - Throws: when it can not be told: whether it was revoked can not be told then, either.
  private func certificate(of connection: any Channel) async throws -> PublicKeyPin? {
    guard asksForCertificates else { return nil }
    let pin = try await connection.eventLoop.submit { try ClientCertificate.pin(of: connection) }.get()
    guard let pin else { throw CertificateMissing() }
    return pin
  }

  private struct CertificateMissing: Error {}

  private func reply(to request: Request) async -> Reply {
    guard let page = MonitoringPage(path: request.uri.path) else {
      let known = MonitoringPage.allCases.map { "/\($0.rawValue)" }.joined(separator: " ")
      return Reply(.notFound, "there is \(known)\n")
    }
    guard request.method == .get || request.method == .head else {
      return Reply(.methodNotAllowed, "GET and HEAD only\n")
    }
    let told = page.needsFigures ? await told() : .absent
    return Reply(pages.reply(page, told))
  }

  private func told() async -> MonitoringPages.Told {
    let answer = OneShot<MonitoringPages.Told>()
    switch gate.observe({ answer.give(.figures($0)) }) {
    case .closed: return .absent
    case .full: return .silent
    case nil: break
    }
    let timer = Task {
      try await Task.sleep(for: PageResponder.patience)
      answer.give(.silent)
    }
    defer { timer.cancel() }
    return await answer.value()
  }
}
