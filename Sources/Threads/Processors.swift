/// How many processors this process can use.
internal import Glibc

package enum Processors {
  package static let count = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}
