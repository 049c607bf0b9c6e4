/// One request for a page: method and path, what the request loop says, the response.
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore
internal import Server

struct PageResponder: Sendable {
  private let pages: MonitoringPages
  private let gate: RequestGate

  /// How long the request loop may take to tell of itself. Probes wait longer, mostly.
  private static let patience = Duration.milliseconds(800)

  init(_ context: EdgeContext) {
    pages = MonitoringPages(lifecycle: context.lifecycle, edges: context.edges)
    gate = context.gate
  }

  func respond(to request: Request, _ writer: consuming ResponseWriter) async throws {
    let reply = await reply(to: request)
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
  }

  private func reply(to request: Request) async -> Reply {
    guard let page = MonitoringPage(path: request.uri.path) else {
      let known = MonitoringPage.allCases.map { "/\($0.rawValue)" }.joined(separator: " ")
      return Reply(status: .notFound, body: Array("there is \(known)\n".utf8))
    }
    guard request.method == .get || request.method == .head else {
      return Reply(status: .methodNotAllowed, body: Array("GET and HEAD only\n".utf8))
    }
    let told = page.needsFigures ? await told() : .absent
    let reply = pages.reply(page, told)
    return Reply(status: .init(code: reply.status), contentType: reply.contentType, body: reply.body)
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
