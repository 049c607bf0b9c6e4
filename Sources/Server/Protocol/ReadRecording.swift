/// What of the requests goes into the stream of reads: who was told what. See docs/decisions/0033-read-audit.md.
internal import Bytes
internal import Hub
internal import JSONText
internal import LogStore

/// A read whose reply has to wait: it is recorded when that is made.
final class PendingRead {
  let action: ReadAction
  let revision: Revision
  let key: [UInt8]
  let agent: [UInt8]
  let correlation: [UInt8]

  init(_ action: ReadAction, _ revision: Revision, key: [UInt8], agent: [UInt8], correlation: [UInt8]) {
    self.action = action
    self.revision = revision
    self.key = key
    self.agent = agent
    self.correlation = correlation
  }
}

extension RequestProcessor {
  /// Records that the reply of the request that was parsed last tells of `key`.
  ///
  /// - Parameters:
  ///   - revision: nil or none when nothing is there.
  ///   - count: how many keys or events a page tells of.
  func recordRead(
    _ action: ReadAction, _ key: Range<Int>, _ revision: Revision?, first: Revision = .none, count: Int? = nil
  ) {
    guard let reads else { return }
    let revision = revision ?? .none
    let fields = ReadFields(
      action, time: hub.clock.now(), revision: revision, firstRevision: first,
      count: UInt32(clamping: count ?? (revision == .none ? 0 : 1)))
    RequestProcessor.append(fields, key, request, to: reads)
  }

  private static func append(
    _ fields: ReadFields, _ key: Range<Int>, _ request: borrowing Request, to reads: ReadAuditWriter
  ) {
    let decoded = request.decoded.bytes
    reads.append(
      fields, key: decoded.extracting(key), agent: decoded.extracting(request.agent),
      correlation: decoded.extracting(request.correlation))
  }

  /// Records a read whose reply has been made at last.
  ///
  /// - Parameter page: of the change feed. One that tells nothing is not told of: readers wait for events all the time.
  func record(_ read: PendingRead, _ page: FeedPage? = nil) {
    if let page, page.count == 0 { return }
    var fields = ReadFields(
      read.action, time: hub.clock.now(), revision: read.revision, count: read.revision == .none ? 0 : 1)
    if let page {
      fields.revision = Revision(page.next.value - 1)
      fields.firstRevision = max(page.query.from, Revision(1))
      fields.count = UInt32(clamping: page.count)
    }
    let (key, agent, correlation) = (read.key, read.agent, read.correlation)
    reads?.append(fields, key: key.span.bytes, agent: agent.span.bytes, correlation: correlation.span.bytes)
  }

  /// The head of a reply that has to wait and tells of `key`.
  func head(_ body: RawSpan, reading key: Range<Int>, _ action: ReadAction, _ entry: VersionEntry?) -> ReplyHead {
    head(body, reading: key, action, revision: entry?.revision ?? .none)
  }

  private func head(_ body: RawSpan, reading key: Range<Int>, _ action: ReadAction, revision: Revision) -> ReplyHead {
    var head = head(body)
    if reads != nil { head.read = RequestProcessor.pending(action, revision, key, request) }
    return head
  }

  private static func pending(
    _ action: ReadAction, _ revision: Revision, _ key: Range<Int>, _ request: borrowing Request
  ) -> PendingRead {
    let decoded = request.decoded.bytes
    return PendingRead(
      action, revision, key: decoded.extracting(key).array(), agent: decoded.extracting(request.agent).array(),
      correlation: decoded.extracting(request.correlation).array())
  }

  /// The head of a refusal. That of a conflict tells what is there: without a record, a write that can not succeed would
  /// be the way to read unseen.
  func refusedHead(_ body: RawSpan, _ error: HubError) -> ReplyHead {
    guard reads != nil || principal != nil, let conflict = error.conflict, let key = refusedKey(conflict, body) else {
      return head(body)
    }
    if hidesItem(key) {
      var head = head(body)
      head.hidesItem = true
      return head
    }
    return head(body, reading: key, .conflict, revision: conflict.current?.entry.revision ?? .none)
  }

  private func refusedKey(_ conflict: HubError.Conflict, _ body: RawSpan) -> Range<Int>? {
    guard let index = conflict.index else { return try? request.key(request.node(.key), tape, body, hub.limits) }
    guard let operations = request.node(.operations) else { return nil }
    var operation = tape.firstChild(operations)
    for _ in 0..<index { operation = tape.after(operation) }
    return try? request.key(tape.member("key", of: operation, in: body), tape, body, hub.limits)
  }
}
