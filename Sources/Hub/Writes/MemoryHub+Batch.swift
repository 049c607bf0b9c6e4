/// Atomic batches: all operations, in order, in one commit, or none of them.
package import Bytes
internal import LogStore

extension MemoryHub {
  /// Begins a batch. After it: `addPut` and `addDelete` for each operation in order, then `commitBatch`. A throw from
  /// any of them ends the batch with nothing written.
  package func beginBatch() -> Int64 {
    plan.begin(after: log.lastRevision)
    return now()
  }

  package func addPut(
    key: RawSpan, ifRevision: UInt64?, at now: Int64, index: Int,
    normalise: (_ replacedCreation: Int64?, _ now: Int64, inout ByteBuffer) throws(HubError) -> StoredItem
  ) throws(HubError) {
    try planPut(key, ifRevision, now, remembering: true, index: index, normalise)
  }

  package func addDelete(key: RawSpan, ifRevision: UInt64?, at now: Int64, index: Int) throws(HubError) {
    let seen = try planDelete(key, ifRevision, now, remembering: true, index: index)
    if seen > plan.seenTicket { plan.seenTicket = seen }
  }

  package func commitBatch(by writer: borrowing Writer) throws(HubError) -> BatchOutcome {
    guard !plan.records.isEmpty else { return outcomeWithoutRecord() }
    let ticket = try commit(writer)
    if writer.isIdempotent {
      let request = requestHash(agent: writer.agent, request: writer.request)
      pendingBatches[request] = (ticket, plan.results)
    }
    return BatchOutcome(ticket: ticket, results: plan.results, revision: log.lastRevision)
  }

  private func outcomeWithoutRecord() -> BatchOutcome {
    if plan.seenTicket > 0 {
      return BatchOutcome(ticket: lastTicket, results: plan.results, revision: log.lastRevision)
    }
    let revision = state.revision
    let results = plan.results.map { OperationResult(isPut: $0.isPut, hit: $0.hit, revision: revision) }
    return BatchOutcome(ticket: 0, results: results, revision: revision)
  }
}
