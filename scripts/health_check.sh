#!/usr/bin/env bash
# Daily: is the hub well, and will it be tomorrow? Reads only, unless --probe asks for a write.
#
# Exit codes: 0 all is well · 1 somebody should look at it (warnings, or what could not be seen) · 2 act now · 64 usage.
set -uo pipefail

usage() {
  cat <<'TEXT'
usage: health_check.sh [options]

  --hub ADDRESS         where the hub is [MFH_HUB; tcp://127.0.0.1:5713]
  --api-key-file FILE   file with its key [MFH_API_KEY: the key itself]
  --timeout SECONDS     how long to wait for it [5]
  --backup DIR          the newest backup there must be younger than --backup-hours [26]
  --backup-hours N
  --warn-free PERCENT   less free space in the data directory's file system is a warning [15]
  --min-free PERCENT    less is critical [5]
  --head-lag SECONDS    a newest head that is so far behind is a warning [60]
  --log FILE            count errors in this file of log lines
  --unit NAME           count errors of the last day in this unit's journal
  --probe               write, read and delete a key, too (takes two revisions)
  --format table|json   for people, or one JSON object a check

Checks that can not be made (the data directory is on another host, say) are told as "skipped" and change nothing. What
this key may not see, or what was not answered, is "unknown": somebody should look at it, and it says nothing of the hub.
The key needs admin:* for everything that mfh stats tells.

Exit codes: 0 all is well, 1 somebody should look at it (warnings, or what could not be seen), 2 act now, 64 usage.
TEXT
}

wrong() {
  printf 'health_check.sh: %s; see --help\n' "$1" >&2
  exit 64
}

client=()
seconds() { [[ $2 =~ ^[0-9]+(\.[0-9]+)?$ ]] || wrong "$1 is a number of seconds, not \"$2\""; }
readable() { [ -r "$2" ] || wrong "$1 $2: no such file, or it may not be read"; }
backup='' backup_hours=26 warn_free=15 min_free=5 head_lag=60 log='' unit='' probe='' format=table
number() { [[ $2 =~ ^[0-9]+$ ]] || wrong "$1 is a whole number, not \"$2\""; }
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --probe) probe=yes; shift; continue ;;
    --hub | --api-key-file | --timeout | --backup | --backup-hours | --warn-free | --min-free | --head-lag | --log | --unit | --format) ;;
    *) wrong "unknown option \"$1\"" ;;
  esac
  [ $# -ge 2 ] || wrong "$1 needs a value"
  case $1 in
    --hub) client+=("$1" "$2") ;;
    --api-key-file) readable "$1" "$2"; client+=("$1" "$2") ;;
    --timeout) seconds "$1" "$2"; client+=("$1" "$2") ;;
    --backup) backup=$2 ;;
    --backup-hours) number "$1" "$2"; backup_hours=$2 ;;
    --warn-free) number "$1" "$2"; warn_free=$2 ;;
    --min-free) number "$1" "$2"; min_free=$2 ;;
    --head-lag) number "$1" "$2"; head_lag=$2 ;;
    --log) log=$2 ;;
    --unit) unit=$2 ;;
    --format) format=$2 ;;
  esac
  shift 2
done
[[ $format =~ ^(table|json)$ ]] || wrong "--format is table or json"
command -v jq >/dev/null || wrong "needs jq (apt-get install jq)"
PATH=${MFH_BIN:+$MFH_BIN:}$PATH
command -v mfh >/dev/null || wrong "mfh is not on the PATH (MFH_BIN names its directory)"

worst=0
# say LEVEL CHECK TEXT: one line of the report; LEVEL is ok, skipped, unknown, warning or critical.
say() {
  case $1 in
    warning | unknown) [ "$worst" -ge 1 ] || worst=1 ;;
    critical) worst=2 ;;
  esac
  if [ "$format" = json ]; then
    jq -cn --arg check "$2" --arg level "$1" --arg text "$3" '{check: $check, level: $level, text: $text}'
  else
    printf '%-9s %-12s %s\n' "$1" "$2" "$3"
  fi
}

finish() {
  local verdict=(healthy "look at it" "act now")
  if [ "$format" = json ]; then
    jq -cn --argjson worst "$worst" --arg verdict "${verdict[worst]}" '{check: "result", exit: $worst, text: $verdict}'
  else
    printf '\nresult: %s\n' "${verdict[worst]}"
  fi
  exit "$worst"
}

hub() { mfh "$@" "${client[@]}" --format json 2>/dev/null; }
# Why COMMAND fails, in one line.
reason() { mfh "$1" "${client[@]}" 2>&1 >/dev/null | head -n 1; }
# mfh ends so when the hub refuses the key, or the key may not do it.
denied=77
field() { jq -r "$1" <<<"$2"; }

[ "$format" = json ] || printf 'Health of the hub, %s\n\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"

# What is unhealthy is told with exit code 69, and told all the same.
health=$(hub health)
code=$?
if [ -z "$health" ]; then
  case $code in
    "$denied") say unknown answers "it answers, and refuses this key: $(reason health)" ;;
    *) say critical answers "no answer: $(reason ping)" ;;
  esac
  finish
fi
stats=$(hub stats)
code=$?
if [ "$code" -eq 0 ]; then
  say ok answers "revision $(field .revision "$stats"), $(field .keys "$stats") keys, up $(field '.uptime_seconds / 3600 | floor' "$stats") h"
else
  stats=''
  say ok answers "it answers"
  if [ "$code" -eq "$denied" ]; then
    say unknown stats "mfh stats is forbidden for this key: give it admin:* (mfh keys create --allow admin:*)"
  else
    say unknown stats "mfh stats failed: $(reason stats)"
  fi
fi

status=$(field .status "$health")
ill=$(field '[.components | to_entries[] | select(.value.healthy | not) | "\(.key) (\(.value.info.error // "see mfh health"))"] | join("; ")' "$health")
case $status in
  healthy) say ok health "every component is healthy" ;;
  degraded) say warning health "degraded: $ill" ;;
  *) say critical health "$status: $ill" ;;
esac

writes=$(field .writes "$stats")
waits=$(field .oldest_write_waits_ms "$stats")
if [ -z "$stats" ]; then
  say skipped writes "mfh stats would tell"
elif [ "$writes" != accepted ]; then
  say critical writes "refused: $writes"
elif [ "$waits" -gt 1000 ]; then
  say warning writes "the oldest one has waited $waits ms for the disk"
else
  say ok writes "accepted, the oldest has waited $waits ms"
fi

lag=$(field '.head_lag_ms // empty' "$stats")
if [ -z "$stats" ]; then
  say skipped history "mfh stats would tell"
elif [ -z "$lag" ]; then
  say skipped history "the hub keeps no history tree"
elif [ "$lag" -gt $((head_lag * 1000)) ]; then
  say warning history "the newest head is $((lag / 1000)) s behind"
else
  say ok history "the newest head is $lag ms behind, signed by $(field 'if .head_signed_by == "" then "nobody" else .head_signed_by end' "$stats")"
fi

dir=$(field .data_dir "$stats")
if [ -z "$stats" ]; then
  say skipped space "mfh stats would tell where the data is"
elif used=$(df --output=pcent,avail -B1 "$dir" 2>/dev/null | tail -n 1); then
  read -r percent bytes <<<"$used"
  free=$((100 - ${percent%\%}))
  text="$free % free ($((bytes / 1048576)) MiB) where $dir is"
  if [ "$free" -lt "$min_free" ]; then
    say critical space "$text, less than $min_free %"
  elif [ "$free" -lt "$warn_free" ]; then
    say warning space "$text, less than $warn_free %"
  else
    say ok space "$text"
  fi
else
  say skipped space "$dir is not on this host"
fi

if [ -z "$backup" ]; then
  say skipped backup "no --backup was named"
elif ! newest=$(stat -c %Y "$backup"/MANIFEST-A "$backup"/MANIFEST-B 2>/dev/null | sort -n | tail -n 1) || [ -z "$newest" ]; then
  say critical backup "$backup holds no backup"
else
  age=$((($(date +%s) - newest) / 3600))
  if [ "$age" -ge "$backup_hours" ]; then
    say warning backup "the newest is $age h old, more than $backup_hours h"
  else
    say ok backup "the newest is $age h old"
  fi
fi

errors() { grep -c -E '"level":"(error|critical)"' || true; }
if [ -n "$log" ]; then
  if [ -r "$log" ]; then count=$(errors <"$log"); else count=unreadable; fi
elif [ -n "$unit" ]; then
  if lines=$(journalctl --unit "$unit" --since -1d --output cat 2>/dev/null); then
    count=$(errors <<<"$lines")
  else
    count=unreadable
  fi
else
  count=none
fi
case $count in
  none) say skipped log "neither --log nor --unit was named" ;;
  unreadable) say warning log "${log:-the journal of $unit} can not be read" ;;
  0) say ok log "no errors" ;;
  *) say warning log "$count lines at error or critical in ${log:-the journal of $unit}" ;;
esac

if [ -n "$probe" ]; then
  key="mfh-health-check/$(uname -n)/$$" text=$(date -u +%s.%N)
  hub put "$key" "$text" >/dev/null
  code=$?
  if [ "$code" -eq 0 ]; then
    read_back=$(mfh get "$key" "${client[@]}" --raw 2>/dev/null)
    code=$?
    [ "$code" -ne 0 ] || [ "$read_back" = "$text" ] || code=1
    # It is taken away whether it could be read or not.
    hub delete "$key" >/dev/null || [ "$code" -ne 0 ] || code=1
  fi
  if [ "$code" -eq 0 ]; then
    say ok probe "a key was written, read and deleted"
  elif [ "$code" -eq "$denied" ]; then
    say unknown probe "this key may not: give it read,write:mfh-health-check/"
  else
    say critical probe "a key could not be written, read and deleted: mfh put $key x tells why"
  fi
fi
finish
