/// The limit of open files.
internal import Glibc

package enum FileLimit {
  /// Raises the soft limit to the hard one: every segment of a store is held open, and every connection is a file too.
  package static func raise() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
