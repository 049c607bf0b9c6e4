/// Who is in, and as whom: the one place in which a request's principal is decided, from what its transport knows and
/// the API key that it brings. See docs/decisions/0045-principals-and-permissions.md.
internal import Access
internal import Bytes
internal import HistoryTree
internal import Hub

final class AccessControl {
  /// The hub's one key, which may everything.
  private let singleKey: (digest: Digest, principal: Principal)?
  private let keys: KeyWatch?
  // Unchecked exclusivity: one thread owns this object, and asking at every access costs a tenth of a write.
  @exclusivity(unchecked) private(set) var ring: KeyRing
  @exclusivity(unchecked) private var reading: KeyWatch.Reading?
  @exclusivity(unchecked) private var throttle = FailureThrottle()
  @exclusivity(unchecked) private var hasNews = false
  /// Requests that were not looked at, for wrong keys before them.
  @exclusivity(unchecked) private(set) var throttled: UInt64 = 0

  /// - Parameter keys: those of clients; nil: there is no file of them.
  init(singleKey: Secret?, keys: KeyWatch?) {
    self.singleKey = singleKey.map { ($0.digest, .unlimited()) }
    self.keys = keys
    reading = keys?.look()
    ring = reading?.ring ?? KeyRing([])
  }

  /// How many API keys, CURVE clients and certificates count.
  var tokenCount: Int { ring.tokenCount }
  var curveKeyCount: Int { ring.curveKeyCount }
  var certificateCount: Int { ring.certificateCount }

  /// Why the file with the keys is not used as it is now: the keys from before it count.
  var problem: String? { reading?.problem }

  // MARK: Who asks

  /// Whose request this is.
  ///
  /// An API key decides. Without one, the key decides that the connection has shown, if it belongs to an agent. A
  /// connection that belongs to one agent can not be used with another one's API key.
  ///
  /// - Parameters:
  ///   - token: the API key in the request; empty for none.
  ///   - now: microseconds of a clock that nobody sets.
  /// - Throws: `unauthorized`, `forbidden`. For a connection that has brought too many wrong keys the error says when to
  ///   try again; then not even the right one is looked at.
  func principal(of caller: Caller, token: RawSpan, now: Int64) throws(HubError) -> Principal {
    if let wait = throttle.wait(caller.connection, now: now) {
      throttled += 1
      var error = HubError(
        .unauthorized, "too many requests of this connection had a wrong key: this one's was not looked at")
      error.retryAfterMilliseconds = wait
      throw error
    }
    let key = token.byteCount > 0 ? token : caller.bearer.span.bytes
    guard key.byteCount > 0 else { return try agent(of: caller.peer) }
    guard let bearer = bearer(of: key) else {
      throttle.note(caller.connection, now: now)
      throw HubError(.unauthorized, "the API key is not valid here")
    }
    let owner = try owner(of: caller.peer)
    if let agent = owner?.agent, let other = bearer.agent, agent != other {
      throw HubError(.forbidden, "this connection's key belongs to another agent than the API key of the request")
    }
    return bearer
  }

  /// Whose request without an API key is.
  private func agent(of peer: Caller.Peer) throws(HubError) -> Principal {
    if let owner = try owner(of: peer) { return owner }
    // A certificate that has just been put on the list works at once.
    if case .certificate = peer, refresh(), let owner = try owner(of: peer) { return owner }
    throw AccessControl.keyMissing(peer)
  }

  /// Whom the connection belongs to; nil when that is nobody in particular.
  private func owner(of peer: Caller.Peer) throws(HubError) -> Principal? {
    switch peer {
    case .unknown: return nil
    case .key(let id):
      // Looked up each time: a key that was revoked is worth nothing on the connections that it has opened, either.
      guard let holder = ring.curveHolder(id) else {
        throw HubError(.unauthorized, "the key \(id) of this connection is not valid any more")
      }
      return holder.principal
    case .certificate(let pin):
      switch ring.standing(of: pin) {
      case .agent(let principal): return principal
      case .unlisted: return nil
      case .revoked: throw KeyWatch.certificateRevoked
      }
    case .stranger: throw HubError(.unauthorized, "this connection has shown no key")
    }
  }

  private func bearer(of token: RawSpan) -> Principal? {
    if let principal = ring.bearer(of: token) { return principal }
    if let singleKey, Sodium.isEqual(singleKey.digest, AccessToken.digest(token)) { return singleKey.principal }
    return refresh() ? ring.bearer(of: token) : nil
  }

  private static let howToSend =
    "send it in the field \"api_key\", over gRPC in the metadata \"authorization: Bearer …\""

  private static func keyMissing(_ peer: Caller.Peer) -> HubError {
    HubError(
      .unauthorized,
      peer == .unknown
        ? "this hub asks for an API key: \(howToSend)"
        : "the key of this connection belongs to no agent: an API key is needed too; \(howToSend)")
  }

  /// Whether what was decided before still holds: who waits for an event may have lost his right to it meanwhile.
  func stands(_ principal: Principal) -> Bool { ring.has(principal) }

  /// The id of a CURVE client that may connect; nil when it is not on the list.
  func id(of client: CurvePublicKey) -> KeyID? { ring.id(of: client) ?? (refresh() ? ring.id(of: client) : nil) }

  // MARK: House

  /// Takes in another state of the key file. Cheap when there is none.
  ///
  /// - Returns: whether there is something to tell.
  func keepHouse(now: Int64) -> Bool {
    throttle.forget(now: now)
    refresh()
    defer { hasNews = false }
    return hasNews
  }

  /// Looks at the key file now, also for a key that is not known: one that has just been made works at once.
  ///
  /// - Returns: whether other keys count than before.
  @discardableResult
  private func refresh() -> Bool {
    guard let now = keys?.look(), now.number != reading?.number else { return false }
    hasNews = true
    // A file that can not be used leaves the keys as they were.
    let areOthers = now.ring !== ring
    (reading, ring) = (now, now.ring)
    return areOthers
  }

  /// How many requests for pages were refused since the last time, for certificates that were revoked.
  func takeRefusals() -> Int { keys?.takeRefusals() ?? 0 }
}
