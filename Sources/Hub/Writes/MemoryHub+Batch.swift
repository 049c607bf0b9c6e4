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
    try planDelete(key, ifRevision, now, remembering: true, index: index)
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
    BatchOutcome(ticket: pendingTicket, results: plan.results, revision: log.lastRevision)
  }
}
