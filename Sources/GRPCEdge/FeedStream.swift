/// `Watch`: the change feed as a stream. Each page is asked for like any other request, and the next one only when the
/// client has taken the last: a slow reader costs one page of memory.
internal import GRPCCore
internal import Hub
internal import HubProtos
internal import Server

struct FeedStream: Sendable {
  private let caller: HubCaller
  private let request: MemoryFusion_WatchRequest
  private let who: Caller
  private let deadline: Deadline

  /// How long the hub waits for an event before it says that there is none. Whoever has gone is forgotten by then.
  private static let waitMilliseconds = 5_000
  /// What a page has of events, or else a single one: it has to fit into the 4 MiB that clients take by themselves, and
  /// it is what a reader that does not read costs.
  private static let pageBytes = 256 << 10

  init(caller: HubCaller, _ request: ServerRequest<MemoryFusion_WatchRequest>) {
    self.caller = caller
    self.request = request.message
    who = Caller(request.metadata)
    deadline = Deadline(request.metadata)
  }

  /// The first page is asked for before anything is said: a request that is refused has no stream.
  func response() async throws -> StreamingServerResponse<MemoryFusion_WatchResponse> {
    let first = try await page(from: request.hasFromRevision ? request.fromRevision : nil, waiting: false)
    return StreamingServerResponse { writer in
      try await follow(first, writer)
      return [:]
    }
  }

  private func follow(_ first: MemoryFusion_WatchResponse, _ writer: RPCWriter<MemoryFusion_WatchResponse>) async throws
  {
    var page = first
    var told: UInt64?
    while true {
      if told != page.nextRevision { try await writer.write(page) }
      told = page.nextRevision
      guard caller.lifecycle.phase == .serving else {
        throw RPCError(.shuttingDown, "the hub is shutting down: go on from revision \(page.nextRevision) later")
      }
      page = try await self.page(from: page.nextRevision, waiting: true)
    }
  }

  private func page(from revision: UInt64?, waiting: Bool) async throws(RPCError) -> MemoryFusion_WatchResponse {
    var text = ObjectText("events", agent: request.agentID, correlation: request.correlationID)
    text.given("prefix", request.prefix)
    text.limit(request.limit)
    text.number("max_bytes", FeedStream.pageBytes)
    if let revision { text.number("from_revision", revision) }
    if revision == nil || !waiting, request.hasFromTime { text.string("from_time", request.fromTime) }
    if waiting { text.number("wait_ms", FeedStream.waitMilliseconds) }
    // While it waits for an event it holds nothing; whoever has not taken what there was is not asked for more.
    if waiting { try await ReplyBudget.current?.waitForRoom(FeedStream.pageBytes * 2) }
    let (reply, result) = try await caller.ask(
      text.end(), from: who, expecting: waiting ? 0 : FeedStream.pageBytes * 2, deadline: deadline)
    return MemoryFusion_WatchResponse(reply, result)
  }
}

extension MemoryFusion_WatchResponse {
  init(_ reply: JSONDocument, _ result: Int) {
    self.init()
    events = reply.elements(reply.member("events", of: result)).map { MemoryFusion_MemoryEvent(reply, $0) }
    nextRevision = reply.uint64("next_revision", of: result) ?? 0
    revision = reply.uint64("revision", of: result) ?? 0
    epoch = reply.uint64("epoch", of: result) ?? 0
  }
}
