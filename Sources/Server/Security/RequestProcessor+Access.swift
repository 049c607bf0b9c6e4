/// What of a request its principal may do: the rights of an action, of each name in it, and of what a reply shows.
internal import Access
internal import Bytes
internal import Hub
internal import JSONText
internal import LogStore

extension RequestProcessor {
  static func principal(
    _ access: AccessControl, _ request: borrowing Request, _ caller: Caller, now: Int64
  ) throws(HubError) -> Principal {
    try access.principal(of: caller, token: request.decoded.bytes.extracting(request.apiKey), now: now)
  }

  /// Has the log name the one whose key it is, whatever the request says.
  static func bind(_ request: inout Request, to principal: Principal) throws(HubError) {
    guard let agent = principal.agent else { return }
    try request.bind(to: agent)
  }

  static func admit(_ agents: AgentLimits, _ request: borrowing Request, _ now: Int64) throws(HubError) -> Admission {
    try agents.admit(request.decoded.bytes.extracting(request.agent), now: now)
  }

  /// Looks at the key file, and counts what another thread has refused.
  func keepAccess() {
    guard let access else { return }
    if access.keepHouse(now: SteadyClock.now()) { log.keyFile(access) }
    let refusals = access.takeRefusals()
    guard refusals > 0 else { return }
    service.counters.count(.unauthorized, times: refusals)
    log.refusedKey(KeyWatch.certificateRevoked, times: refusals)
  }

  /// Checks what does not depend on names.
  func checkRight(to action: Action) throws(HubError) { try checkRight(action.right, to: action) }

  func checkRight(_ right: NeededRight, to action: Action) throws(HubError) {
    guard let principal, case .everywhere(let operation) = right, !principal.mayEverywhere(operation) else {
      return
    }
    throw forbidden("may not do this: \(action.name) needs \(operation.text):* in its key's permissions")
  }

  /// Decodes a name that the request speaks of, and checks that its principal may do there what the action does.
  func key(_ node: Int?, _ body: RawSpan) throws(HubError) -> Range<Int> {
    let name = try request.key(node, tape, body, hub.limits)
    guard let principal, case .onNames(let operation)? = request.action?.right,
      !RequestProcessor.may(operation, name, principal, request)
    else { return name }
    throw forbidden("may not \(operation.text) under this name: its key has no such permission")
  }

  static func may(
    _ operation: Operations, _ name: Range<Int>, _ principal: Principal, _ request: borrowing Request
  ) -> Bool {
    principal.may(operation, request.decoded.bytes.extracting(name))
  }

  /// Which of the names that begin with `prefix` the reply may tell of; nil: all.
  func readable(under prefix: Range<Int>) throws(HubError) -> [[UInt8]]? {
    guard let principal else { return nil }
    switch RequestProcessor.scope(under: prefix, principal, request) {
    case .all: return nil
    case .within(let prefixes): return prefixes
    case .nothing: throw forbidden("may not read under this prefix: its key has no such permission")
    }
  }

  private static func scope(
    under prefix: Range<Int>, _ principal: Principal, _ request: borrowing Request
  ) -> Principal.Scope {
    principal.scope(of: .read, under: request.decoded.bytes.extracting(prefix))
  }

  private func forbidden(_ problem: String) -> HubError {
    let agent = principal?.agent.map { "the agent \"\(String(decoding: $0, as: UTF8.self))\"" } ?? "the key's owner"
    return HubError(.forbidden, "\(agent) \(problem)")
  }

  /// Whether a reply that tells of the current item is to leave it out: who may write but not read must not read by
  /// writing in vain.
  func hidesItem(_ name: Range<Int>) -> Bool {
    guard let principal else { return false }
    return !RequestProcessor.may(.read, name, principal, request)
  }
}
