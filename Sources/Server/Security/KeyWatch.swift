/// The keys of the key file, for every thread that decides about somebody. Whoever asks looks at the file himself, so that
/// none has to wait for another thread to do it: HTTP answers while no request loop runs, or while it hangs. And all look
/// through this one object, so that none goes by a key that another has seen taken back, not even when the file was
/// spoilt in between. See docs/decisions/0054-client-certificates.md.
package import Access
package import Hub
internal import Synchronization

package final class KeyWatch: Sendable {
  struct Reading: Sendable {
    let ring: KeyRing
    /// Why the file is not used as it is now: the keys from before it count.
    let problem: String?
    /// How often the file has been another one.
    let number: Int
  }

  private struct State {
    let file: KeyFile
    var ring: KeyRing
    var number = 0
  }

  private let state: Mutex<State>
  private let refusals = Atomic<Int>(0)

  /// - Throws: when the file can not be used: a hub does not start without the keys that it was told to ask for.
  package init(_ path: String) throws(ConfigurationError) {
    let file = KeyFile(path)
    let ring = KeyRing(try file.read())
    state = Mutex(State(file: file, ring: ring))
  }

  /// The keys as they are now: one system call while the file stays as it is.
  func look() -> Reading {
    state.withLock { state in
      if state.file.hasChanged() {
        state.number += 1
        // The keys from before stay when it can not be read: a slip of the pen must not lock the fleet out, and lets
        // nobody in.
        if let entries = try? state.file.read() { state.ring = KeyRing(entries, after: state.ring) }
      }
      return Reading(ring: state.ring, problem: state.file.problem, number: state.number)
    }
  }

  package func standing(of certificate: PublicKeyPin) -> KeyRing.CertificateStanding {
    look().ring.standing(of: certificate)
  }

  // MARK: Refusals

  /// What a request is told, but for that for a page.
  package static let certificateRevoked = HubError(
    .unauthorized, "the certificate of this connection is not valid here any more")

  /// Whether a request is to be refused because the certificate of its connection was revoked; if so, it is counted. For
  /// what is open to every certificate of the authority, listed or not: it tells of the hub, not of what agents keep.
  package func refuses(_ certificate: PublicKeyPin?) -> Bool {
    guard let certificate, case .revoked = standing(of: certificate) else { return false }
    refusals.add(1, ordering: .relaxed)
    return true
  }

  /// How many were refused since the last time.
  func takeRefusals() -> Int { refusals.exchange(0, ordering: .relaxed) }
}
