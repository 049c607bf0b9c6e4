#!/usr/bin/env bash
# Monthly: is the past what it was? Keeps the hub's newest head, has the whole store checked against all kept heads, compares
# the store's state with the hub's, and checks proofs of keys. Writes nothing but the file of heads.
#
# Exit codes: 0 everything holds · 1 nothing is wrong, but not everything could be checked · 64 usage · 65 damaged, changed or
# contradictory · 66 no store there · 69 no hub answers · 74 I/O error · 77 a file may not be read, or the key may not ask.
set -uo pipefail

usage() {
  cat <<'TEXT'
usage: audit_verification.sh --heads FILE [options]

  --heads FILE          the heads that were kept; the newest is added. Keep it where the hub's machine can not change it
  --public-key KEY      the hub's public key: heads must be signed with it
  --data-dir DIR        the store, or a backup of it [as the hub says]
  --keys N              check the proofs of so many keys [20]
  --prefix PREFIX       of keys that begin so
  --hub ADDRESS         where the hub is [MFH_HUB; tcp://127.0.0.1:5713]
  --api-key-file FILE   file with its key [MFH_API_KEY: the key itself]
  --timeout SECONDS     how long to wait for it [5]

The key needs admin:* (for mfh stats) and read:*.

Exit codes: 0 everything holds, 1 nothing is wrong, but not everything could be checked, 64 usage, 65 damaged, changed or
contradictory, 66 no store there, 69 no hub answers, 74 I/O error, 77 a file may not be read, or the key may not ask.
TEXT
}

wrong() {
  printf 'audit_verification.sh: %s; see --help\n' "$1" >&2
  exit 64
}

seconds() { [[ $2 =~ ^[0-9]+(\.[0-9]+)?$ ]] || wrong "$1 is a number of seconds, not \"$2\""; }
readable() { [ -r "$2" ] || wrong "$1 $2: no such file, or it may not be read"; }

client=() signed=()
heads='' dir='' keys=20 prefix=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --heads | --public-key | --data-dir | --keys | --prefix | --hub | --api-key-file | --timeout) ;;
    *) wrong "unknown option \"$1\"" ;;
  esac
  [ $# -ge 2 ] || wrong "$1 needs a value"
  case $1 in
    --heads) heads=$2 ;;
    --public-key) signed=(--public-key "$2") ;;
    --data-dir) dir=$2 ;;
    --keys) [[ $2 =~ ^[0-9]+$ ]] || wrong "$1 is a whole number, not \"$2\""; keys=$2 ;;
    --prefix) prefix=(--prefix "$2") ;;
    --api-key-file) readable "$1" "$2"; client+=("$1" "$2") ;;
    --timeout) seconds "$1" "$2"; client+=("$1" "$2") ;;
    *) client+=("$1" "$2") ;;
  esac
  shift 2
done
[ -n "$heads" ] || wrong "--heads names the file of heads that were kept"
command -v jq >/dev/null || wrong "needs jq (apt-get install jq)"
PATH=${MFH_BIN:+$MFH_BIN:}$PATH
command -v mfh >/dev/null || wrong "mfh is not on the PATH (MFH_BIN names its directory)"

scratch=$(mktemp -d) || exit 74
trap 'rm -rf "$scratch"' EXIT
worst=0 unchecked=''
# The first failure gives the exit code.
failed() {
  printf 'FAILED    %-10s %s\n' "$2" "$3"
  [ "$worst" -ne 0 ] || worst=$1
}
holds() { printf 'holds     %-10s %s\n' "$1" "$2"; }
# What could not be looked at is no sign that anything was changed.
unchecked() {
  printf 'UNCHECKED %-10s %s\n' "$1" "$2"
  unchecked=yes
}
skipped() { printf 'skipped   %-10s %s\n' "$1" "$2"; }
hub() { mfh "$@" "${client[@]}" --format json 2>"$scratch/error"; }
cause() { head -n 1 "$scratch/error"; }

printf 'Verification of the audit trail, %s\n\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
stats=$(hub stats)
code=$?
if [ "$code" -ne 0 ]; then
  [ "$code" -eq 77 ] || code=69
  failed "$code" hub "mfh stats: $(cause)"
  exit "$code"
fi
[ -n "$dir" ] || dir=$(jq -r .data_dir <<<"$stats")
printf 'store     %s\nlineage   %s\nrevision  %s\nkeys      %s\n\n' "$(jq -r .store <<<"$stats")" \
  "$(jq -r .lineage <<<"$stats")" "$(jq -r .revision <<<"$stats")" "$(jq -r .keys <<<"$stats")"

# 1. The newest head, beside those of earlier times.
kept=0
[ ! -s "$heads" ] || kept=$(grep -c '^memory-fusion-hub/' "$heads")
if hub head --save "$heads" >/dev/null; then
  holds head "$kept were kept, one was added to $heads"
elif [ "$(jq .revision <<<"$stats")" = 0 ]; then
  skipped head "nothing was ever written"
else
  failed 69 head "$(cause)"
fi

# 2. Every record, and every head that was kept.
past=()
[ ! -s "$heads" ] || past=(--head "$heads")
told=$(hub checksum) || told=''
why=$(cause)
logstore-verify "$dir" "${past[@]}" "${signed[@]}" --format json >"$scratch/verified" 2>"$scratch/error"
code=$?
verified=$(tail -n 1 "$scratch/verified")
if [ "$code" -eq 0 ]; then
  holds store "$(jq -r '"\(.events) events in \(.segments) segments, \(.log_bytes) bytes of log, every one of them read"' <<<"$verified")"
  [ ${#past[@]} -eq 0 ] || holds heads "the log fits all $(grep -c '^memory-fusion-hub/' "$heads")${signed:+, signed by the key that was given}"
else
  failed "$code" store "logstore-verify $dir ends with $code:"
  sed 's/^/            /' "$scratch/error"
fi

# 3. The hub's own idea of its state, against the one computed from the log as it was then.
if [ -n "$told" ] && [ "$code" -eq 0 ]; then
  revision=$(jq .revision <<<"$told")
  if [ "$(jq .revision <<<"$verified")" = "$revision" ]; then
    computed=$verified
  else
    # The hub has gone on meanwhile: the state of that revision, without making a store.
    computed=$(logstore-replay "$dir" --target "$scratch/none" --to-revision "$revision" --dry-run --format json 2>"$scratch/error" | tail -n 1)
  fi
  if [ "$(jq -r .checksum <<<"$told")" = "$(jq -r .checksum <<<"${computed:-null}")" ]; then
    holds state "at revision $revision the hub and the log agree: $(jq -r .checksum <<<"$told")"
  else
    failed 65 state "at revision $revision the hub says $(jq -c . <<<"$told"), the log ${computed:-$(cause)}"
  fi
elif [ -z "$told" ]; then
  unchecked state "mfh checksum: $why"
else
  skipped state "there is nothing to compare"
fi

# 4. Every revision is there once.
if summary=$(logstore-dump "$dir" --stats --format json 2>"$scratch/error"); then
  holds revisions "$(jq -r '"\(.first_revision // 0) to \(.last_revision // 0): " + ([.by_type | to_entries[] | select(.value > 0) | "\(.value) \(.key)"] | join(", "))' <<<"$summary")"
  lost=$(jq '.gap_revisions' <<<"$summary")
  [ "$lost" -eq 0 ] || failed 65 revisions "$lost were lost before a salvage, see logstore-dump $dir"
else
  failed $? revisions "$(cause)"
fi

# 5. Proofs, as an auditor would ask for them.
checked=0 names=0
: >"$scratch/keys"
if [ "$keys" -gt 0 ]; then
  hub list --limit "$keys" "${prefix[@]}" >"$scratch/list" || unchecked proofs "mfh list: $(cause)"
  jq -r '.keys[]? // .key? // empty' "$scratch/list" >"$scratch/keys"
fi
while IFS= read -r key; do
  names=$((names + 1))
  rm -f "$scratch/proof"
  hub proof "$key" --save "$scratch/proof" >/dev/null
  code=$?
  if [ "$code" -eq 0 ]; then
    mfh proof --check "$scratch/proof" "${signed[@]}" >/dev/null 2>"$scratch/error"
    code=$?
  fi
  # The next command writes its own.
  why=$(cause)
  case $code in
    0) checked=$((checked + 1)) ;;
    65) failed 65 proofs "of $key: $why" ;;
    66)
      # It has gone since it was listed.
      hub exists "$key" >/dev/null
      if [ $? -eq 66 ]; then names=$((names - 1)); else unchecked proofs "of $key: $why"; fi
      ;;
    *) unchecked proofs "of $key: $why" ;;
  esac
done <"$scratch/keys"
if [ "$checked" -eq "$names" ]; then holds proofs "$checked of $names keys"; else printf '          %-10s %s of %s hold\n' proofs "$checked" "$names"; fi

if [ "$worst" -ne 0 ]; then
  printf '\nresult: it does NOT hold (exit code %s). Keep the store and %s as they are, and look at docs/operations, "Tamper evidence".\n' "$worst" "$heads"
elif [ -n "$unchecked" ]; then
  printf '\nresult: what was checked holds, not everything could be checked\n'
  worst=1
else
  printf '\nresult: everything holds\n'
fi
exit "$worst"
