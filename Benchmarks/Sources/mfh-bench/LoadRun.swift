/// One run of load: one thread, many connections. It shares the machine with the hub that it measures, so it does as
/// little as it can.
///
/// Closed loop: a reply makes room for the next request. Open loop (`rate`): requests have their times, whatever the
/// replies do, and a latency counts from that time on; a hub that stalls is charged for all that it kept waiting.
internal import BenchSupport
internal import Bytes
internal import CEpoll
internal import Programs

struct LoadRun: ~Copyable {
  private let load: Load
  private let clients: [LoadClient]
  private let epoll: Int32
  /// Whose replies have come: the first `readyCount` of them.
  private var ready = [UInt32](repeating: 0, count: 256)
  private var readyCount = 0
  private var report = LoadReport()
  private var reply = ByteBuffer(capacity: 16 << 10)
  private var sent = 0
  private var answered = 0
  private var start: Int64 = 0
  private var lastReply: Int64 = 0
  /// Whose turn it is in an open loop.
  private var turn = 0

  init(_ load: Load, _ target: LoadTarget) throws(LoadError) {
    self.load = load
    bench_exact_timers()
    epoll = bench_epoll()
    var clients: [LoadClient] = []
    for index in 0..<load.connections {
      let client = try LoadClient(target, inFlight: load.inFlight)
      guard bench_epoll_add(epoll, client.descriptor, UInt32(index)) == 0 else {
        throw LoadError(.unavailable, "a connection can not be waited for: raise the limit of open files (ulimit -n)")
      }
      clients.append(client)
    }
    self.clients = clients
  }

  deinit { close(epoll) }

  /// Runs to the end and waits for every reply.
  consuming func run(_ writer: inout RequestWriter) throws(LoadError) -> LoadReport {
    start = bench_nanoseconds()
    lastReply = start
    if load.rate == nil { try fill(&writer) }
    while true {
      let now = bench_nanoseconds()
      if load.rate != nil { try sendDue(now, &writer) }
      if answered == sent, isOver(now) { break }
      try wait(now)
      try serve(&writer)
    }
    report.seconds = Double(lastReply - start) / 1e9
    return report
  }

  /// Whether no more requests are to be sent.
  private func isOver(_ now: Int64) -> Bool {
    switch load.length {
    case .requests(let count): sent >= count
    case .nanoseconds(let length): now - start >= length
    }
  }

  private mutating func send(
    _ client: LoadClient, at time: Int64, _ writer: inout RequestWriter
  ) throws(LoadError) {
    let operation = writer.choose(load.mix)
    writer.write(operation, key: load.keysInOrder ? sent : nil)
    try client.send(writer.body.bytes, .init(operation: operation, time: time))
    sent += 1
  }

  // MARK: Closed loop

  private mutating func fill(_ writer: inout RequestWriter) throws(LoadError) {
    for _ in 0..<load.inFlight {
      for client in clients where !isOver(start) { try send(client, at: bench_nanoseconds(), &writer) }
    }
    for client in clients { try serve(client, &writer) }
  }

  // MARK: Open loop

  /// When request number `number` is to be sent.
  private func time(_ number: Int, _ rate: Double) -> Int64 { start + Int64(Double(number) * 1e9 / rate) }

  private mutating func sendDue(_ now: Int64, _ writer: inout RequestWriter) throws(LoadError) {
    guard let rate = load.rate else { return }
    while true {
      let due = time(sent, rate)
      guard due <= now, !isOver(due), let client = clientWithRoom() else { return }
      try send(client, at: due, &writer)
      try serve(client, &writer)
    }
  }

  private mutating func clientWithRoom() -> LoadClient? {
    for _ in clients.indices {
      let client = clients[turn]
      turn = turn + 1 < clients.count ? turn + 1 : 0
      if client.hasRoom { return client }
    }
    return nil
  }

  // MARK: Replies

  private mutating func wait(_ now: Int64) throws(LoadError) {
    // A hub that is silent is noticed within a second of its time.
    var limit: Int64 = 1_000_000_000
    if let rate = load.rate {
      let due = time(sent, rate)
      // With no room anywhere only a reply changes anything, and a reply wakes.
      if due > now { limit = min(limit, due - now) }
    }
    let count = bench_epoll_wait(epoll, &ready, Int32(ready.count), limit)
    guard count >= 0 else { throw LoadError(.unavailable, "epoll_wait failed") }
    readyCount = Int(count)
    if count == 0, answered < sent, bench_nanoseconds() - lastReply > max(load.silenceNanoseconds, limit) {
      throw LoadError(
        .unavailable, "no reply for \(load.silenceNanoseconds / 1_000_000_000) s: is a hub running at this address?")
    }
  }

  private mutating func serve(_ writer: inout RequestWriter) throws(LoadError) {
    for index in 0..<readyCount { try serve(clients[Int(ready[index])], &writer) }
  }

  /// Takes what has come. It ends with a receive that finds nothing: after that, and only then, the descriptor tells
  /// of the next reply (libzmq's manual, ZMQ_FD). So it is called after every send, too.
  private mutating func serve(_ client: LoadClient, _ writer: inout RequestWriter) throws(LoadError) {
    while let request = try client.receive(&reply) {
      let now = bench_nanoseconds()
      lastReply = now
      answered += 1
      LoadRun.count(reply, request, now, in: &report)
      if load.rate == nil, !isOver(now) { try send(client, at: now, &writer) }
    }
  }

  private static func count(
    _ reply: borrowing ByteBuffer, _ request: LoadClient.Waiting, _ now: Int64, in report: inout LoadReport
  ) {
    report.count(request.operation, nanoseconds: now - request.time, reply.bytes)
  }
}
