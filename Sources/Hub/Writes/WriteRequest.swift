/// What a client asks to have written, and by whom; what came of it.
package import LogStore

/// Who writes, for the log. Borrowed for one call; empty means not given.
package struct Writer: ~Escapable {
  package let agent: RawSpan
  package let correlation: RawSpan
  package let request: RawSpan
  /// A hash of the request's content; meaningful only with agent and request id.
  package let fingerprint: UInt64

  @_lifetime(copy agent, copy correlation, copy request)
  package init(agent: RawSpan, correlation: RawSpan, request: RawSpan, fingerprint: UInt64) {
    self.agent = agent
    self.correlation = correlation
    self.request = request
    self.fingerprint = fingerprint == 0 ? 1 : fingerprint
  }

  /// Whether a repeat is recognised.
  package var isIdempotent: Bool { agent.byteCount > 0 && request.byteCount > 0 }
}

/// What one put or delete did.
package struct OperationResult: Equatable, Sendable {
  package var isPut: Bool
  /// For a put: the key did not exist. For a delete: it did.
  package var hit: Bool
  package var revision: Revision

  package init(isPut: Bool, hit: Bool, revision: Revision) {
    self.isPut = isPut
    self.hit = hit
    self.revision = revision
  }
}

/// A decided write: `ticket` is the commit whose acknowledgement makes it true; 0 when it is true already.
package struct WriteOutcome: Sendable {
  package var ticket: UInt64
  package var result: OperationResult

  package init(ticket: UInt64, result: OperationResult) {
    self.ticket = ticket
    self.result = result
  }
}

package struct BatchOutcome: Sendable {
  package var ticket: UInt64
  package var results: [OperationResult]
  package var revision: Revision

  package init(ticket: UInt64, results: [OperationResult], revision: Revision) {
    self.ticket = ticket
    self.results = results
    self.revision = revision
  }
}
