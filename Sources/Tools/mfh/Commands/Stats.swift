/// `mfh stats`.
internal import ArgumentParser
internal import HubClient
internal import JSONText
internal import ToolSupport

struct Stats: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Shows the hub's figures: keys, sizes, requests.",
    usage: "mfh stats [<options>]",
    discussion: """
      The table has sizes and times in units; --format json has the exact numbers.

      Examples:
        mfh stats
        watch -n 1 mfh stats
        mfh stats --format json | jq .revision
      """)

  @OptionGroup var client: ClientOptions

  /// Which figures stand together, and in which order.
  private static let groups: [(title: String, names: [String])] = [
    ("HUB", ["uptime_seconds", "durability", "epoch", "store", "lineage", "data_dir"]),
    ("STATE", ["revision", "durable_revision", "keys", "expiring_keys", "deleted_keys_remembered", "index_bytes"]),
    (
      "LOG",
      [
        "log_bytes", "segments", "active_segment", "active_offset", "syncs", "snapshot_revision", "snapshots_taken",
        "requests_remembered", "writes", "commits_in_flight", "oldest_write_waits_ms",
      ]
    ),
    (
      "PACKING",
      [
        "segments_packed", "segments_to_pack", "packing_percent", "packed_bytes_before", "packed_bytes_after",
        "floor", "retention_segments_left", "retention_error", "erasing_revisions",
        "packing_error",
      ]
    ),
    ("FEED", ["feed_waiting", "feed_events", "feed_read_bytes"]),
    (
      "ACCESS",
      [
        "access_keys", "access_curve_keys", "access_certificates", "access_throttled", "access_clients_accepted",
        "access_clients_refused", "access_error",
      ]
    ),
    ("AGENTS", ["agents_counted", "agents_refused"]),
    ("READ AUDIT", ["reads_recorded", "reads_lost", "reads_write_failures", "reads_files_removed", "reads_bytes"]),
    ("HISTORY TREE", ["tree_records", "head_records", "head_revision", "head_lag_ms", "head_signed_by"]),
  ]

  func run() throws {
    let session = try Session(client)
    var reply = HubReply()
    try session.perform(session.request("stats"), reply: &reply)
    if client.format == .json {
      session.printJSON(reply.result, of: reply)
    } else {
      session.printLine("memory-fusion-hub at \(session.address)")
      StatusText.append(Stats.grouped(reply), of: reply, to: &session.output.buffer)
    }
    try session.finish()
  }

  /// The known groups, then each object as a group of its own, then what this version does not know.
  private static func grouped(_ reply: borrowing HubReply) -> [StatusText.Group] {
    var members = Members(of: reply.result, reply)
    var result: [StatusText.Group] = []
    for group in groups {
      let entries = group.names.compactMap { name in members.first { $0.name == name }.map { ($0.name, $0.node) } }
      result.append(StatusText.Group(title: group.title, entries: entries))
      members.removeAll { group.names.contains($0.name) }
    }
    for member in members where reply.tape.kind(member.node) == .object {
      let entries = Members(of: member.node, reply).map { ($0.name, $0.node) }
      result.append(StatusText.Group(title: member.name.uppercased(), entries: entries))
    }
    let others = members.filter { reply.tape.kind($0.node) != .object }.map { ($0.name, $0.node) }
    return result + [StatusText.Group(title: "OTHER", entries: others)]
  }
}
