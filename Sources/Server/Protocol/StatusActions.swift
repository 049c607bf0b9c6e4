/// `stats`, `health`, `ping`.
internal import Bytes
internal import Evidence
internal import HistoryTree
internal import Hub
internal import JSONText
internal import LogStore
internal import Programs

extension RequestProcessor {
  func appendPing(to reply: inout ByteBuffer) {
    reply.append(#"{"pong":true,"server":"mfh-server","version":""#)
    reply.append(text: Version.number)
    reply.append(#"","epoch":"#)
    reply.append(decimal: hub.log.epoch)
    reply.append(#","timestamp":""#)
    Timestamp.append(hub.clock.now(), to: &reply)
    reply.append(#""}"#)
  }

  func appendStats(to reply: inout ByteBuffer) {
    let log = hub.log.status
    let state = hub.state
    var object = ObjectWriter()
    object.begin(&reply)
    object.number("revision", state.revision.value, &reply)
    object.number("durable_revision", hub.log.durableThrough.value, &reply)
    object.number("epoch", hub.log.epoch, &reply)
    object.number("keys", UInt64(state.keyCount), &reply)
    object.name("items", &reply)
    appendItemCounts(to: &reply)
    object.name("events", &reply)
    appendEventCounts(to: &reply)
    object.number("deleted_keys_remembered", UInt64(state.deadKeyCount), &reply)
    object.number("expiring_keys", UInt64(state.expiries.count), &reply)
    object.number("requests_remembered", UInt64(hub.rememberedRequests), &reply)
    object.number("index_bytes", UInt64(state.indexBytes), &reply)
    object.number("log_bytes", UInt64(log.bytes), &reply)
    object.number("segments", UInt64(log.segments), &reply)
    object.number("active_segment", UInt64(log.activeSegment.value), &reply)
    object.number("active_offset", UInt64(log.activeOffset), &reply)
    object.number("syncs", log.syncs, &reply)
    object.text("writes", writesText(hub.log.roomStatus), &reply)
    object.number("commits_in_flight", UInt64(hub.log.inFlightCount), &reply)
    object.number("oldest_write_waits_ms", milliseconds(hub.log.oldestWait), &reply)
    object.number("snapshot_revision", hub.snapshots.revision?.value ?? 0, &reply)
    object.number("snapshots_taken", hub.snapshots.taken, &reply)
    object.number("segments_packed", UInt64(hub.log.packedSegments), &reply)
    object.number("segments_to_pack", UInt64(hub.log.compactable.count), &reply)
    object.number("packing_percent", UInt64(hub.log.compactionProgress * 100), &reply)
    object.number("packed_bytes_before", UInt64(hub.log.compactionStatus.bytesBefore), &reply)
    object.number("packed_bytes_after", UInt64(hub.log.compactionStatus.bytesAfter), &reply)
    let retention = hub.log.retentionStatus
    object.number("floor", retention.floor.value, &reply)
    object.number("retention_segments_left", UInt64(retention.segmentsLeft), &reply)
    object.text("retention_error", retention.failure?.message ?? "", &reply)
    object.number("erasing_revisions", UInt64(hub.erasingCount), &reply)
    object.text("packing_error", hub.log.compactionStatus.failure?.message ?? "", &reply)
    object.number("feed_waiting", UInt64(service.feed.waiting), &reply)
    object.number("feed_events", service.feed.events, &reply)
    object.number("feed_read_bytes", service.feed.readBytes, &reply)
    appendTreeStats(&object, to: &reply)
    appendReadStats(&object, to: &reply)
    appendAccessStats(&object, to: &reply)
    object.text("store", log.store.description, &reply)
    object.text("lineage", log.lineage.description, &reply)
    object.name("data_dir", &reply)
    JSONWriter.appendString(text: service.dataDirectory, to: &reply)
    object.text("durability", "\(service.durability)", &reply)
    object.number("uptime_seconds", UInt64(max(0, hub.clock.now() - hub.openedAt) / 1_000_000), &reply)
    object.name("requests", &reply)
    service.counters.append(to: &reply)
    object.end(&reply)
  }

  private func appendTreeStats(_ object: inout ObjectWriter, to reply: inout ByteBuffer) {
    guard let status = tree?.status else { return }
    object.number("tree_records", status.size, &reply)
    object.number("head_records", status.newestHead?.head.size ?? 0, &reply)
    object.number("head_revision", status.newestHead?.head.revision ?? 0, &reply)
    object.number("head_lag_ms", lagMilliseconds(status), &reply)
    object.text("head_signed_by", status.newestHead?.signature.map { "\($0.name)+\($0.keyIDText)" } ?? "", &reply)
  }

  private func appendReadStats(_ object: inout ObjectWriter, to reply: inout ByteBuffer) {
    guard let status = reads?.status else { return }
    object.number("reads_recorded", status.recorded, &reply)
    object.number("reads_lost", status.lost, &reply)
    object.number("reads_write_failures", status.failures, &reply)
    object.number("reads_files_removed", status.removedFiles, &reply)
    object.number("reads_bytes", status.bytes, &reply)
  }

  private func appendAccessStats(_ object: inout ObjectWriter, to reply: inout ByteBuffer) {
    if let agents {
      object.number("agents_counted", UInt64(agents.agentCount), &reply)
      object.number("agents_refused", agents.refused, &reply)
    }
    guard let access else { return }
    object.number("access_keys", UInt64(access.tokenCount), &reply)
    object.number("access_curve_keys", UInt64(access.curveKeyCount), &reply)
    object.number("access_certificates", UInt64(access.certificateCount), &reply)
    object.number("access_throttled", access.throttled, &reply)
    object.number("access_clients_accepted", service.counters.clientsAccepted, &reply)
    object.number("access_clients_refused", service.counters.clientsRefused, &reply)
    object.text("access_error", access.problem ?? "", &reply)
  }

  private func appendItemCounts(to reply: inout ByteBuffer) {
    var object = ObjectWriter()
    object.begin(&reply)
    for kind in ItemKind.allCases {
      object.number(kind.name, UInt64(hub.state.countByKind[Int(kind.rawValue)]), &reply)
    }
    object.end(&reply)
  }

  private func appendEventCounts(to reply: inout ByteBuffer) {
    let events = hub.state.eventCounts
    var object = ObjectWriter()
    object.begin(&reply)
    object.number("CREATE", events.create, &reply)
    object.number("UPDATE", events.update, &reply)
    object.number("DELETE", events.delete, &reply)
    object.number("EXPIRE", events.expire, &reply)
    object.end(&reply)
  }

  /// Has a snapshot taken of what is acknowledged now; says which is the newest. The reply does not wait for it.
  func appendSnapshot(to reply: inout ByteBuffer) {
    if hub.failure == nil { hub.beginSnapshot() }
    let status = hub.snapshots
    var object = ObjectWriter()
    object.begin(&reply)
    object.name("running", &reply)
    ReplyWriter.append(hub.isTakingSnapshot, to: &reply)
    object.number("revision", hub.state.revision.value, &reply)
    object.number("snapshot_revision", status.revision?.value ?? 0, &reply)
    object.number("snapshot_bytes", UInt64(status.bytes), &reply)
    object.text("error", (hub.failure ?? status.failure)?.message ?? "", &reply)
    object.end(&reply)
  }

  /// Has all sealed segments packed; says how far that is. The reply does not wait for it.
  func appendCompact(to reply: inout ByteBuffer) {
    hub.log.wantCompaction()
    hub.log.stepCompaction()
    let status = hub.log.compactionStatus
    var object = ObjectWriter()
    object.begin(&reply)
    object.name("running", &reply)
    reply.append(text: "\(hub.log.isCompacting)")
    object.number("segments_packed", UInt64(hub.log.packedSegments), &reply)
    object.number("segments_to_pack", UInt64(hub.log.compactable.count), &reply)
    object.number("packing_percent", UInt64(hub.log.compactionProgress * 100), &reply)
    object.number("log_bytes", UInt64(hub.log.status.bytes), &reply)
    object.text("error", status.failure?.message ?? "", &reply)
    object.end(&reply)
  }

  func appendHealth(to reply: inout ByteBuffer) {
    let report = HealthReport(hub, tree: tree?.status, reads: reads?.status, keyProblem: access?.problem)
    var object = ObjectWriter()
    object.begin(&reply)
    object.text("service", "memory-fusion-hub", &reply)
    object.text("status", report.status.rawValue, &reply)
    object.name("timestamp", &reply)
    reply.append(#"""#)
    Timestamp.append(hub.clock.now(), to: &reply)
    reply.append(#"""#)
    object.name("components", &reply)
    appendComponents(report, to: &reply)
    object.name("metrics", &reply)
    appendMetrics(to: &reply)
    object.end(&reply)
  }

  private func appendComponents(_ report: HealthReport, to reply: inout ByteBuffer) {
    let log = hub.log.status
    let room = hub.log.roomStatus
    var components = ObjectWriter()
    components.begin(&reply)
    components.name("log", &reply)
    appendComponent(
      isHealthy: report.isLogHealthy,
      [
        ("durability", "\(service.durability)"), ("segment", "\(log.activeSegment)"),
        ("revision", "\(hub.log.durableThrough)"), ("error", report.failure?.message ?? ""),
        ("oldest_write_waits_ms", report.isStalled ? "\(milliseconds(report.oldestWait))" : ""),
      ], to: &reply)
    components.name("space", &reply)
    appendComponent(
      isHealthy: report.isSpaceHealthy,
      [
        ("writes", writesText(room)), ("bytes_before_next_segment", "\(room.bytesLeft)"),
        ("error", room.problem?.message ?? ""),
      ], to: &reply)
    components.name("snapshots", &reply)
    appendComponent(
      isHealthy: report.areSnapshotsHealthy,
      [
        ("revision", hub.snapshots.revision?.description ?? "none"),
        ("error", report.snapshotFailure?.message ?? ""),
      ], to: &reply)
    if let status = tree?.status {
      components.name("history_tree", &reply)
      appendComponent(
        isHealthy: report.isTreeHealthy,
        [
          ("records", "\(status.newestHead?.head.size ?? 0)"),
          ("signed_by", status.newestHead?.signature?.name ?? ""), ("error", report.treeProblem?.message ?? ""),
        ], to: &reply)
    }
    if let status = reads?.status {
      components.name("read_audit", &reply)
      appendComponent(
        isHealthy: report.isReadAuditHealthy,
        [
          ("recorded", "\(status.recorded)"), ("lost", "\(status.lost)"),
          ("error", report.readAuditProblem.map { LogError($0).message } ?? ""),
        ], to: &reply)
    }
    if access != nil {
      components.name("access", &reply)
      appendComponent(isHealthy: report.isAccessHealthy, [("error", report.keyProblem ?? "")], to: &reply)
    }
    components.name("index", &reply)
    appendComponent(isHealthy: true, [("keys", "\(hub.state.keyCount)")], to: &reply)
    components.name("zeromq", &reply)
    appendComponent(isHealthy: true, [("endpoint", service.endpoint)], to: &reply)
    components.end(&reply)
  }

  /// What becomes of a write now.
  private func writesText(_ room: RoomStatus) -> String {
    if hub.failure != nil { return "storage_error" }
    return room.isReadOnly ? "read_only" : "accepted"
  }

  private func milliseconds(_ duration: Duration) -> UInt64 { UInt64(max(0, duration / .milliseconds(1))) }

  private func appendComponent(isHealthy: Bool, _ info: [(String, String)], to reply: inout ByteBuffer) {
    reply.append(#"{"healthy":"#)
    ReplyWriter.append(isHealthy, to: &reply)
    reply.append(#","info":"#)
    var object = ObjectWriter()
    object.begin(&reply)
    for (name, value) in info where !value.isEmpty { object.text(name, value, &reply) }
    object.end(&reply)
    reply.append("}")
  }

  private func appendMetrics(to reply: inout ByteBuffer) {
    var object = ObjectWriter()
    object.begin(&reply)
    object.number("revision", hub.state.revision.value, &reply)
    object.number("keys", UInt64(hub.state.keyCount), &reply)
    object.number("requests_total", service.counters.total, &reply)
    object.number("errors_total", service.counters.errors, &reply)
    object.number("replies_dropped_total", service.counters.droppedReplies, &reply)
    object.end(&reply)
  }
}
