/// Core dumps hold what a process knew: items, API keys, private keys. SECURITY: row 13.
internal import Glibc

package enum CoreDump {
  /// Lowers the soft limit to nothing. The hard one stays: who wants a dump of a hub that misbehaves can raise it again
  /// from outside (`prlimit --core=unlimited --pid`).
  package static func forbid() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = 0
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
  }
}
