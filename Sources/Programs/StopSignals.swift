/// The signals by which a program is asked to stop: of service managers and of the keyboard.
package import Glibc

package enum StopSignals {
  package static let numbers = [SIGTERM, SIGINT]

  package static var set: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in numbers { sigaddset(&signals, number) }
    return signals
  }

  /// Blocks or unblocks them in this thread, and in those that it starts.
  package static func mask(_ how: Int32) {
    var signals = set
    pthread_sigmask(how, &signals, nil)
  }
}
