/// The page `/metrics`: which metric tells what. CONTRACT: section 4; docs/operations.md, "Metrics", lists all.
internal import Bytes
internal import Glibc
internal import Hub
internal import LogStore
internal import Programs

struct MetricsPage {
  let phase: Lifecycle.Phase
  let uptime: Duration
  /// nil: nobody is there to tell.
  let figures: HubFigures?
  /// By transport, without ZeroMQ.
  let edges: [(type: String, figures: EdgeFigures)]

  func text() -> [UInt8] {
    var text = MetricsText()
    appendProcess(to: &text)
    if let figures {
      MetricsPage.appendRequests(figures, to: &text)
      MetricsPage.appendLoad(figures, to: &text)
      MetricsPage.appendData(figures, to: &text)
      MetricsPage.appendCommits(figures, to: &text)
      MetricsPage.appendUpkeep(figures, to: &text)
      MetricsPage.appendHealth(figures, to: &text)
    }
    return MetricsPage.array(text)
  }

  private static func array(_ text: borrowing MetricsText) -> [UInt8] { text.text.bytes.array() }

  private func appendProcess(to text: inout MetricsText) {
    text.begin("mfh_build_info", .gauge, "The version of the hub, as a label.")
    text.sample([("version", Version.number)], 1)
    text.begin("mfh_ready", .gauge, "1 while the hub answers requests, else 0.")
    text.sample([("phase", phase.rawValue)], figures != nil && phase == .serving ? 1 : 0)
    text.begin("mfh_uptime_seconds", .gauge, "Time since the process began.")
    text.sample(seconds: Int64(uptime / .microseconds(1)))
    text.begin("mfh_resident_memory_bytes", .gauge, "Memory of the process that is in RAM.")
    text.sample([], ProcessFigures.residentBytes())
    text.begin("mfh_cpu_seconds_total", .counter, "Processor time that the process has used.")
    text.sample(seconds: ProcessFigures.processorMicroseconds())
    text.begin("mfh_active_connections", .gauge, "Connections of clients that are open, by transport.")
    if let figures { text.sample([("connection_type", "zeromq")], figures.zeroMQConnections) }
    for (type, figures) in edges { text.sample([("connection_type", type)], figures.connections) }
    text.begin(
      "mfh_connections_ended_total", .counter, "Connections that were ended, by the limit that they were over.")
    for (type, figures) in edges {
      text.sample([("connection_type", type), ("limit", "count")], figures.gaveWay)
      text.sample([("connection_type", type), ("limit", "time")], figures.timedOut)
    }
    if let grpc = edges.first(where: { $0.type == "grpc" })?.figures {
      text.counter(
        "mfh_grpc_calls_refused_total", "Calls that were refused before the hub has seen them.", grpc.callsRefused)
      text.gauge("mfh_grpc_request_bytes", "What gRPC requests hold that are not answered yet.", grpc.requestBytes)
    }
  }

  private static func appendRequests(_ figures: HubFigures, to text: inout MetricsText) {
    var requests: [(String, RequestMetrics.OfOperation, Histogram)] = []
    figures.requests.forEach { requests.append(($0, $1, $2)) }
    text.begin("mfh_requests_total", .counter, "Requests that were answered, by operation and outcome.")
    for (name, figures, _) in requests {
      text.sample([("operation", name), ("status", "success")], figures.successes)
      text.sample([("operation", name), ("status", "error")], figures.failures)
    }
    text.begin(
      "mfh_request_duration_seconds", .histogram,
      "Time from taking a request in until its reply was made, with the wait for its commit.")
    for (name, _, durations) in requests where durations.total > 0 {
      text.histogram([("operation", name)], durations, inSeconds: true)
    }
    text.begin("mfh_errors_total", .counter, "Requests that were answered with an error, by its code and its origin.")
    for (code, count) in figures.errors {
      text.sample([("error_type", code.rawValue), ("component", code.component)], count)
    }
    text.counter("mfh_replies_dropped_total", "Replies that a client did not take.", figures.droppedReplies)
    text.counter("mfh_messages_unanswerable_total", "Messages without an address to reply to.", figures.unanswerable)
  }

  private static func appendLoad(_ figures: HubFigures, to text: inout MetricsText) {
    text.gauge("mfh_concurrent_requests", "Requests that wait for their replies.", figures.concurrent)
    text.begin("mfh_queue_depth", .gauge, "What waits now, by queue.")
    text.sample([("queue", "gate")], figures.gateDepth)
    text.sample([("queue", "feed")], figures.feed.waiting)
    text.sample([("queue", "commits")], figures.commitsInFlight)
    text.counter(
      "mfh_connections_accepted_total", "Connections that the ZeroMQ listener has accepted.",
      UInt64(max(0, figures.zeroMQAccepted)))
    text.counter("mfh_feed_events_total", "Events in replies of the change feed.", figures.feed.events)
    text.counter(
      "mfh_feed_read_bytes_total", "Bytes of log that were read for the change feed.", figures.feed.readBytes)
  }

  private static func appendData(_ figures: HubFigures, to text: inout MetricsText) {
    text.begin("mfh_events_published_total", .counter, "Events in the log, by type.")
    for (type, count) in [
      ("CREATE", figures.events.create), ("UPDATE", figures.events.update), ("DELETE", figures.events.delete),
      ("EXPIRE", figures.events.expire),
    ] { text.sample([("event_type", type)], count) }
    text.begin("mfh_event_log_size", .gauge, "Events in the log: its newest acknowledged revision.")
    text.sample([], figures.revision)
    // Prometheus keeps names that end so for histograms; without a type it takes them.
    text.begin("mfh_memory_items_count", .untyped, "Live items, by their type.")
    for (kind, count) in figures.items { text.sample([("item_type", kind)], count) }
    text.gauge("mfh_index_keys", "Live keys.", figures.keys)
    text.gauge("mfh_index_bytes", "Memory of the index.", figures.indexBytes)
    text.gauge("mfh_deleted_keys_remembered", "Deleted keys whose history has an entry point.", figures.deadKeys)
    text.gauge("mfh_expiring_keys", "Keys that will expire.", figures.expiringKeys)
    text.gauge("mfh_requests_remembered", "Request ids that a repeat would be found by.", figures.rememberedRequests)
    text.begin("mfh_revision", .gauge, "Newest revision, by how far it has come.")
    text.sample([("state", "acknowledged")], figures.revision)
    text.sample([("state", "durable")], figures.durableRevision)
    text.begin("mfh_epoch", .gauge, "Epoch of the store.")
    text.sample([], figures.epoch)
  }

  private static func appendCommits(_ figures: HubFigures, to text: inout MetricsText) {
    text.begin("mfh_fsync_duration_seconds", .histogram, "Time that an fsync of the log took.")
    text.histogram([], figures.commits.syncs, inSeconds: true)
    text.begin("mfh_commit_batch_size", .histogram, "Events that were committed together.")
    text.histogram([], figures.commits.events, inSeconds: false)
    text.begin("mfh_commit_batch_bytes", .histogram, "Bytes of log that were written together.")
    text.histogram([], figures.commits.bytes, inSeconds: false)
    text.begin("mfh_oldest_write_wait_seconds", .gauge, "How long the oldest write under way has waited.")
    text.sample(seconds: Int64(figures.oldestWait / .microseconds(1)))
    text.gauge("mfh_segments", "Segments of the log.", figures.log.segments)
    text.gauge("mfh_segment_bytes", "What the segments of the log take.", figures.log.bytes)
    text.gauge("mfh_active_segment_bytes", "How far the active segment is filled.", figures.log.activeOffset)
    text.gauge("mfh_room_bytes", "What clients can write before the next segment is needed.", figures.room.bytesLeft)
    text.gauge(
      "mfh_read_only", "1 while writes are refused for want of space, else 0.", figures.room.isReadOnly ? 1 : 0)
  }

  private static func appendUpkeep(_ figures: HubFigures, to text: inout MetricsText) {
    text.counter("mfh_snapshots_total", "Snapshots that were taken.", figures.snapshotsTaken)
    text.begin("mfh_snapshot_revision", .gauge, "Revision of the newest snapshot.")
    text.sample([], figures.snapshotRevision)
    text.gauge("mfh_segments_packed", "Segments that are packed.", figures.packedSegments)
    text.gauge("mfh_segments_to_pack", "Sealed segments that are not packed yet.", figures.segmentsToPack)
    text.gauge("mfh_packing", "1 while a segment is being packed, else 0.", figures.isPacking ? 1 : 0)
    text.counter(
      "mfh_packed_input_bytes_total", "Bytes of segments before they were packed.", UInt64(figures.packing.bytesBefore))
    text.counter(
      "mfh_packed_output_bytes_total", "Bytes of segments after they were packed.", UInt64(figures.packing.bytesAfter))
    if let tree = figures.tree {
      text.begin("mfh_tree_records", .gauge, "Records in the history tree, and under its newest head.")
      text.sample([("state", "hashed")], tree.records)
      text.sample([("state", "headed")], tree.covered)
      text.begin("mfh_tree_lag_seconds", .gauge, "How long something durable has been without a head.")
      text.sample(seconds: Int64(tree.lagMilliseconds) * 1_000)
    }
    if let reads = figures.reads {
      text.counter("mfh_reads_recorded_total", "Reads that were recorded.", reads.recorded)
      text.counter("mfh_reads_lost_total", "Reads that could not be recorded.", reads.lost)
      text.begin("mfh_reads_bytes", .gauge, "What the records of reads take.")
      text.sample([], reads.bytes)
    }
  }

  private static func appendHealth(_ figures: HubFigures, to text: inout MetricsText) {
    text.begin("mfh_health_check_status", .gauge, "1 while the component is healthy, else 0.")
    for (name, isHealthy) in figures.components { text.sample([("component", name)], isHealthy ? 1 : 0) }
    text.begin("mfh_health_status", .gauge, "1 for the status that the hub has, else 0.")
    for status in HealthReport.Status.allCases {
      text.sample([("status", status.rawValue)], figures.report.status == status ? 1 : 0)
    }
    // Breakers stand around outgoing links, and this hub has none: the write path has none on purpose.
    text.begin("mfh_circuit_breaker_state", .gauge, "0 closed, 1 half open, 2 open, by outgoing link.")
  }
}

/// What the kernel tells of the process.
enum ProcessFigures {
  static func residentBytes() -> Int {
    let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return 0 }
    defer { close(file) }
    var text = [UInt8](repeating: 0, count: 128)
    let length = read(file, &text, text.count)
    let fields = text.prefix(max(0, length)).split(separator: UInt8(ascii: " "))
    guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return 0 }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  static func processorMicroseconds() -> Int64 {
    var usage = rusage()
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    return Int64(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
      + Int64(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
  }
}
