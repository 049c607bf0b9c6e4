#!/usr/bin/env bash
# Weekly: what the hub did, how fast, how it grows, and when the disk will be full. Reads only.
#
# Exit codes: 0 done, every target is met · 1 a target is missed · 64 usage · 69 no hub answers, or it refuses this key.
set -uo pipefail

usage() {
  cat <<'TEXT'
usage: performance_report.sh [options]

  --hub ADDRESS         where the hub is [MFH_HUB; tcp://127.0.0.1:5713]
  --api-key-file FILE   file with its key [MFH_API_KEY: the key itself]
  --timeout SECONDS     how long to wait for it [5]
  --seconds N           how long to watch the rates [10]
  --state FILE          keep the figures here, and compare with those that it holds
  --metrics URL         the hub's /metrics, for latencies (http://127.0.0.1:8080/metrics)
  --dump                count the events of each agent with logstore-dump (reads the whole log)
  --p99-ms N            target: the 99th percentile of every operation is at most this; needs --metrics
  --disk-days N         target: the disk is not full for so many days; needs --state of a run half a day ago or more
  --format table|json   for people, or one JSON object

The key needs admin:* (for mfh stats).

Exit codes: 0 done, every target is met, 1 a target is missed, 64 usage, 69 no hub answers, or it refuses this key.
TEXT
}

wrong() {
  printf 'performance_report.sh: %s; see --help\n' "$1" >&2
  exit 64
}

duration() { [[ $2 =~ ^[0-9]+(\.[0-9]+)?$ ]] || wrong "$1 is a number of seconds, not \"$2\""; }
readable() { [ -r "$2" ] || wrong "$1 $2: no such file, or it may not be read"; }

client=()
seconds=10 state='' metrics='' dump='' p99='' disk_days='' format=table
number() { [[ $2 =~ ^[0-9]+$ ]] || wrong "$1 is a whole number, not \"$2\""; }
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --dump) dump=yes; shift; continue ;;
    --hub | --api-key-file | --timeout | --seconds | --state | --metrics | --p99-ms | --disk-days | --format) ;;
    *) wrong "unknown option \"$1\"" ;;
  esac
  [ $# -ge 2 ] || wrong "$1 needs a value"
  case $1 in
    --hub) client+=("$1" "$2") ;;
    --api-key-file) readable "$1" "$2"; client+=("$1" "$2") ;;
    --timeout) duration "$1" "$2"; client+=("$1" "$2") ;;
    --seconds) number "$1" "$2"; seconds=$2 ;;
    --state) state=$2 ;;
    --metrics) metrics=$2 ;;
    --p99-ms) number "$1" "$2"; p99=$2 ;;
    --disk-days) number "$1" "$2"; disk_days=$2 ;;
    --format) format=$2 ;;
  esac
  shift 2
done
[[ $format =~ ^(table|json)$ ]] || wrong "--format is table or json"
[ "$seconds" -ge 1 ] || wrong "--seconds is at least 1"
[ -z "$p99" ] || [ -n "$metrics" ] || wrong "--p99-ms needs --metrics"
[ -z "$disk_days" ] || [ -n "$state" ] || wrong "--disk-days needs --state"
command -v jq >/dev/null || wrong "needs jq (apt-get install jq)"
PATH=${MFH_BIN:+$MFH_BIN:}$PATH
command -v mfh >/dev/null || wrong "mfh is not on the PATH (MFH_BIN names its directory)"

# One look at the hub, with the time of it.
look() {
  local stats
  stats=$(mfh stats "${client[@]}" --format json) || exit 69
  jq -c --argjson now "$(date +%s.%N)" '. + {taken: $now}' <<<"$stats"
}

first=$(look) || exit 69
sleep "$seconds"
last=$(look) || exit 69

dir=$(jq -r .data_dir <<<"$last")
free=$(df --output=avail -B1 "$dir" 2>/dev/null | tail -n 1)
process=$(cat "$dir/LOCK" 2>/dev/null)
resident=$(awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/${process:-none}/status" 2>/dev/null)

# Quantiles out of the buckets of a histogram, as Prometheus interpolates them.
latencies='[]'
if [ -n "$metrics" ]; then
  command -v curl >/dev/null || wrong "needs curl (apt-get install curl)"
  text=$(curl -fsS --max-time 10 "$metrics") || exit 69
  latencies=$(jq -Rcn '
    def quantile($q; $buckets): ($buckets[-1].count * $q) as $rank
      | ([range($buckets | length)] | map(select($buckets[.].count >= $rank)) | first) as $i
      | if $buckets[-1].count == 0 then null
        elif $buckets[$i].le == null then $buckets[$i - 1].le
        else (if $i == 0 then {le: 0, count: 0} else $buckets[$i - 1] end) as $below
          | $below.le + ($buckets[$i].le - $below.le) * (($rank - $below.count) / ($buckets[$i].count - $below.count))
        end;
    [inputs | capture("^mfh_request_duration_seconds_bucket\\{(?<labels>.*)\\} (?<count>[0-9.e+]+)") | {
        operation: (.labels | capture("operation=\"(?<o>[^\"]*)\"").o),
        le: (.labels | capture("le=\"(?<l>[^\"]*)\"").l | if . == "+Inf" then null else tonumber end),
        count: (.count | tonumber)}]
    | group_by(.operation)
    | map(sort_by(if .le == null then infinite else .le end) as $buckets | select($buckets[-1].count > 0) | {
        operation: .[0].operation, count: $buckets[-1].count,
        p50_ms: (quantile(0.5; $buckets) * 1000), p95_ms: (quantile(0.95; $buckets) * 1000),
        p99_ms: (quantile(0.99; $buckets) * 1000)})
    | sort_by(-.count)' <<<"$text") || exit 69
fi

agents='[]'
if [ -n "$dump" ]; then
  summary=$(logstore-dump "$dir" --stats --format json) || wrong "--dump: logstore-dump could not read $dir"
  agents=$(jq -c '[.by_agent[:10][] | {agent: (.agent_id // "-"), events, share}]' <<<"$summary")
fi

before=null
if [ -n "$state" ] && [ -s "$state" ]; then
  before=$(jq -c . "$state" 2>/dev/null) || wrong "$state holds no figures of an earlier run"
fi

report=$(jq -cn --argjson first "$first" --argjson last "$last" --argjson before "$before" --argjson latencies "$latencies" \
  --argjson agents "$agents" --argjson free "${free:-null}" --argjson resident "${resident:-null}" \
  --argjson p99 "${p99:-null}" --argjson disk_days "${disk_days:-null}" '
  def total: [.requests | to_entries[] | select(.key | startswith("error_") or . == "replies_dropped" | not) | .value] | add;
  def errors: [.requests | to_entries[] | select(.key | startswith("error_")) | .value] | add // 0;
  ($last.taken - $first.taken) as $span
  | (if $before == null or $before.store != $last.store or $before.log_bytes == null then null else {
      days: (($last.taken - $before.taken) / 86400), revisions: ($last.revision - $before.revision),
      keys: ($last.keys - $before.keys), log_bytes: ($last.log_bytes - $before.log_bytes)} end) as $growth
  # What an hour has brought says nothing about a month.
  | (if $growth == null or $growth.log_bytes <= 0 or $growth.days < 0.5 or $free == null then null
     else $free / ($growth.log_bytes / $growth.days) end) as $full
  | {
    taken: ($last.taken | todate), uptime_hours: ($last.uptime_seconds / 3600), revision: $last.revision, keys: $last.keys,
    rates: {
      seconds: $span, requests: ((($last | total) - ($first | total)) / $span),
      writes: (($last.revision - $first.revision) / $span), syncs: (($last.syncs - $first.syncs) / $span),
      errors: ((($last | errors) - ($first | errors)) / $span)},
    since_start: {
      requests: ($last | total), errors: ($last | errors), replies_dropped: $last.requests.replies_dropped,
      by_action: ($last.requests | with_entries(select((.key | startswith("error_") or . == "replies_dropped" | not) and .value > 0))),
      by_error: ($last.requests | with_entries(select((.key | startswith("error_")) and .value > 0)))},
    size: {log_bytes: $last.log_bytes, segments: $last.segments, segments_packed: $last.segments_packed,
      index_bytes: $last.index_bytes, resident_bytes: $resident, free_bytes: $free},
    growth: $growth, disk_full_in_days: $full, latencies: $latencies, agents: $agents,
    missed: ([
      ($latencies[] | select($p99 != null and .p99_ms > $p99)
        | "the 99th percentile of \(.operation) is \(.p99_ms * 100 | round / 100) ms, the target is \($p99) ms"),
      (select($disk_days != null and $full != null and $full < $disk_days)
        | "the disk is full in \($full | floor) days, the target is \($disk_days)")])}')

if [ -n "$state" ]; then
  { printf '%s\n' "$last" >"$state.tmp" && mv "$state.tmp" "$state"; } || wrong "$state can not be written"
fi

missed=$(jq '.missed | length' <<<"$report")
if [ "$format" = json ]; then
  printf '%s\n' "$report"
else
  jq -r '
    def two: . * 100 | round / 100;
    def mib: if . == null then "not known" else "\(. / 1048576 * 10 | round / 10) MiB" end;
    "Performance of the hub, \(.taken)", "",
    "STATE", "  up            \(.uptime_hours | floor) h", "  revision      \(.revision)", "  keys          \(.keys)", "",
    "RATES over \(.rates.seconds | two) s", "  requests/s    \(.rates.requests | two)", "  revisions/s   \(.rates.writes | two)",
    "  fsyncs/s      \(.rates.syncs | two)",
    "  per fsync     \(if .rates.syncs > 0 then "\(.rates.writes / .rates.syncs | two) revisions" else "-" end)",
    "  errors/s      \(.rates.errors | two)", "",
    "SINCE THE START", (.since_start.by_action | to_entries | sort_by(-.value)[] | "  \(.key + " " * (14 - (.key | length)))\(.value)"),
    (.since_start.by_error | to_entries[] | "  \(.key)  \(.value)"), "  replies dropped  \(.since_start.replies_dropped)", "",
    "SIZE", "  log           \(.size.log_bytes | mib), \(.size.segments) segments, \(.size.segments_packed) packed",
    "  index         \(.size.index_bytes | mib)", "  memory        \(.size.resident_bytes | mib)", "  free          \(.size.free_bytes | mib)", "",
    "GROWTH", (if .growth == null then "  not known: no figures of an earlier run" else
      "  in \(.growth.days | two) days: \(.growth.revisions) revisions, \(.growth.keys) keys, \(.growth.log_bytes | mib)",
      (if .disk_full_in_days == null then "  when the disk is full is not known: the log has not grown, or not for half a day" else "  the disk is full in \(.disk_full_in_days | floor) days" end) end),
    (if (.latencies | length) > 0 then "", "LATENCY in ms: P50, P95, P99",
      (.latencies[] | "  \(.operation + " " * ([14 - (.operation | length), 1] | max))\(.p50_ms | two)  \(.p95_ms | two)  \(.p99_ms | two)  (\(.count))") else empty end),
    (if (.agents | length) > 0 then "", "WHO WROTE", (.agents[] | "  \(.events)  \(.share * 1000 | round / 10) %  \(.agent)") else empty end),
    "", (if (.missed | length) == 0 then "result: every target is met" else (.missed[] | "missed: \(.)"), "result: \(.missed | length) targets missed" end)
  ' <<<"$report"
fi
[ "$missed" -eq 0 ] || exit 1
