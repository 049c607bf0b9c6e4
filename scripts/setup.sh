# Sourced by the other scripts: goes to the project's folder, installs what is missing, builds.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One way to build for tests and server alike, so that nothing is compiled twice. See docs/decisions/0009.
build_flags=(-c release -Xswiftc -enable-testing)
bin=.build/release

say() { printf '\n== %s\n' "$*" >&2; }

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$1" >&2
  exit "${2:-69}"
}

# need PACKAGE...: installs those of Debian's packages that are missing.
need() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "installing ${missing[*]} (Debian packages)"
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "needs ${missing[*]}: run 'apt-get install ${missing[*]}' as root" 77
    root=(sudo)
  fi
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
    fail "apt-get could not install ${missing[*]}"
}

need_swift() {
  command -v swift >/dev/null || fail "needs Swift 6.3 (https://www.swift.org/install) on the PATH"
}

# build [OPTION...]: the whole package; a warning in it is an error when STRICT is set. What SwiftPM says of the files of
# another package is not ours to mend.
build() {
  need git libzmq3-dev libzstd-dev libxxhash-dev libsodium-dev
  need_swift
  say "building (the first time takes some minutes)"
  local log
  log=$(mktemp)
  swift build "${build_flags[@]}" "$@" 2>&1 | tee "$log" >&2 || { rm -f "$log"; fail "the build failed" 70; }
  if [ -n "${STRICT:-}" ] && grep -vE "^warning: 'swift-[a-z-]+': " "$log" | grep -E '(^|[^[:alnum:]])warning:' >&2; then
    rm -f "$log"
    fail "the compiler warns: see above" 70
  fi
  rm -f "$log"
}

# promtool and prometheus, unpacked: installed as a package the server would start.
need_promtool() {
  command -v promtool >/dev/null && return
  export PATH=$PATH:$PWD/.build/tools/usr/bin
  command -v promtool >/dev/null && return
  say "unpacking promtool (Debian package prometheus)"
  mkdir -p .build/tools
  (cd .build/tools && apt-get download -qq prometheus && dpkg -x prometheus_*.deb . && rm prometheus_*.deb) >&2 ||
    fail "apt-get could not download prometheus, which has promtool"
}

# Makes the Python environment of the integration tests, and leaves its place in $venv.
need_venv() {
  need python3 python3-venv strace e2fsprogs mount dpkg-dev jq patchelf shellcheck systemd
  need_promtool
  venv=$PWD/.build/venv
  if ! [ -x "$venv/bin/pytest" ] || ! cmp -s Tests/Integration/requirements.txt "$venv/requirements.txt"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r Tests/Integration/requirements.txt
    cp Tests/Integration/requirements.txt "$venv/requirements.txt"
  fi
}
