/// Repeats of a write with the same request id: the first outcome again, and nothing changes.
internal import Bytes
package import LogStore

extension MemoryHub {
  /// What the request id stands for, if it was used before.
  ///
  /// - Throws: `invalid_request` when it was used for another content.
  func findRepeat(_ writer: borrowing Writer) throws(HubError) -> RequestMemory.Remembered? {
    guard writer.isIdempotent else { return nil }
    let hash = requestHash(agent: writer.agent, request: writer.request)
    guard let found = requests.find(hash, now: now()) else { return nil }
    guard found.fingerprint == writer.fingerprint || found.fingerprint == 0 else {
      throw HubError(
        .invalidRequest, "request_id was used before for another write (revision \(found.revision)): use a new one")
    }
    return found
  }

  private func waiting(_ ticket: UInt64) -> UInt64 { ticket > acknowledgedTicket ? ticket : 0 }

  func repeatedSingle(_ found: RequestMemory.Remembered, isPut: Bool) throws(HubError) -> WriteOutcome {
    WriteOutcome(
      ticket: waiting(found.ticket),
      result: OperationResult(
        isPut: isPut, hit: isPut ? found.operation == .create : true, revision: found.revision))
  }

  /// Begins the answer to a repeated batch; nil when the writer's request id is new.
  package func findRepeatedBatch(_ writer: borrowing Writer) throws(HubError) -> RepeatedBatch? {
    guard let found = try findRepeat(writer) else { return nil }
    let request = requestHash(agent: writer.agent, request: writer.request)
    return RepeatedBatch(
      ticket: waiting(found.ticket), position: found.firstRecord, recordsLeft: Int(found.recordCount),
      known: pendingBatches[request]?.results[...], revision: Revision(found.commitStart.value - 1))
  }
}

/// Finds out, from the records that a batch left in the log, what each of its operations did. The repeated request
/// brings the operations; those without a record took no revision.
package struct RepeatedBatch {
  package let ticket: UInt64
  private var position: RecordPosition
  private var recordsLeft: Int
  /// The outcomes themselves, while the batch is under way and its records can not be read.
  private var known: ArraySlice<OperationResult>?
  /// The revision reached so far.
  package private(set) var revision: Revision

  init(
    ticket: UInt64, position: RecordPosition, recordsLeft: Int, known: ArraySlice<OperationResult>?,
    revision: Revision
  ) {
    self.ticket = ticket
    self.position = position
    self.recordsLeft = recordsLeft
    self.known = known
    self.revision = revision
  }

  /// The outcome of the next operation.
  package mutating func next(isPut: Bool, key: RawSpan, hub: MemoryHub) throws(HubError) -> OperationResult {
    if let result = known?.popFirst() {
      revision = result.revision
      return result
    }
    if known == nil, recordsLeft > 0 {
      var buffer = ByteBuffer(capacity: 4_096)
      var header = try read(hub, &buffer)
      while header.fields.operation == .expire {
        advance(header)
        header = try read(hub, &buffer)
      }
      let isMatch =
        header.fields.operation.isPut == isPut && buffer.bytes.extracting(header.keyRange).equals(key)
      if isMatch {
        advance(header)
        recordsLeft -= 1
        revision = header.fields.revision
        return OperationResult(
          isPut: isPut, hit: isPut ? header.fields.operation == .create : true, revision: revision)
      }
    }
    return OperationResult(isPut: isPut, hit: false, revision: revision)
  }

  private func read(_ hub: MemoryHub, _ buffer: inout ByteBuffer) throws(HubError) -> RecordHeader {
    do {
      return try hub.log.readHeader(at: position, into: &buffer)
    } catch {
      throw HubError(error)
    }
  }

  private mutating func advance(_ header: RecordHeader) {
    position.offset += header.recordBytes
    // How long the next record is, its own header says.
    position.length = UInt32(VersionEntry.recordBytesMax)
  }
}
