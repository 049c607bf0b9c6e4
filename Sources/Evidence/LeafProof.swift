/// A proof that one record is in the log that a head speaks of: all that a verifier needs, and nothing of the store.
internal import Bytes
package import HistoryTree
package import LogStore

package struct LeafProof: Equatable, Sendable {
  package var head: SignedHead
  /// The number of the leaf, from 0.
  package var leaf: UInt64
  package var path: [Digest]
  /// The logical header of the record, as it stands in the leaf.
  package var header: [UInt8]
  package var commitment: Digest
  /// Nil when the payload was left out, or is redacted.
  package var opening: Opening?

  /// What the commitment was made of.
  package struct Opening: Equatable, Sendable {
    package var salt: [UInt8]
    package var payload: [UInt8]

    package init(salt: [UInt8], payload: [UInt8]) {
      self.salt = salt
      self.payload = payload
    }
  }

  package init(
    head: SignedHead, leaf: UInt64, path: [Digest], header: [UInt8], commitment: Digest, opening: Opening?
  ) {
    self.head = head
    self.leaf = leaf
    self.path = path
    self.header = header
    self.commitment = commitment
    self.opening = opening
  }

  /// Whether the record is in the log of the head, and the payload is the one that the record had.
  package var holds: Bool {
    if let opening {
      guard opening.salt.count == TreeHash.saltBytes,
        TreeHash.commitment(salt: opening.salt.span.bytes, payload: opening.payload.span.bytes) == commitment
      else { return false }
    }
    let contents = header + commitment.array
    return TreeProof.includes(
      TreeHash.leaf(contents.span.bytes), leaf: leaf, size: head.head.size, root: head.head.root, path: path)
  }
}

/// What the logical header of a proof says.
package struct LeafFields: Equatable, Sendable {
  package var lineage: StoreIdentity
  package var epoch: UInt64
  package var revision: UInt64
  package var previousRevision: UInt64
  /// Microseconds since 1970.
  package var time: Int64
  package var operation: Operation
  package var key: [UInt8]
  package var agent: [UInt8]
  package var correlation: [UInt8]
  package var request: [UInt8]

  /// Nil when the bytes are not a logical header.
  package init?(_ header: [UInt8]) {
    let span = header.span.bytes
    guard span.byteCount >= LeafLayout.size, span.u64(LeafLayout.magicOffset) == LeafLayout.magic,
      let operation = Operation(rawValue: span.u8(LeafLayout.operation)), span.u8(LeafLayout.reserved) == 0
    else { return nil }
    lineage = StoreIdentity(high: span.u64(LeafLayout.lineage), low: span.u64(LeafLayout.lineage + 8))
    epoch = span.u64(LeafLayout.epoch)
    revision = span.u64(LeafLayout.revision)
    previousRevision = span.u64(LeafLayout.previousRevision)
    time = span.i64(LeafLayout.time)
    self.operation = operation
    var names: [[UInt8]] = []
    var start = LeafLayout.size
    for length in [LeafLayout.keyBytes, LeafLayout.agentBytes, LeafLayout.correlationBytes, LeafLayout.requestBytes] {
      let end = start + Int(span.u16(length))
      guard end <= header.count else { return nil }
      names.append(Array(header[start..<end]))
      start = end
    }
    guard start == header.count else { return nil }
    key = names[0]
    agent = names[1]
    correlation = names[2]
    request = names[3]
  }
}

extension TreeFollower {
  /// Proves that the record with this revision is in the newest head's log; nil when no head covers it yet, or there is
  /// no such record.
  package func prove(_ revision: Revision, in log: DurableEnd, withPayload: Bool) throws(LogError) -> LeafProof? {
    guard let head = newestHead, head.head.revision >= revision.value, size == head.head.size,
      revision > .none
    else { return nil }
    let block = blocks.block(holding: revision)
    // Behind the last whole block, or before it.
    let isOpen = openPlace.revisionBefore < revision && !openLeaves.isEmpty
    let first = isOpen ? blocks.blocks.count : block ?? 0
    let place = isOpen ? openPlace : blocks.blocks.isEmpty ? openPlace : blocks.blocks[first].place
    var hashes: [Digest] = []
    var hasher = LeafHasher()
    var proof: LeafProof?
    var reader = LeafReader(at: place)
    let wanted = Int(min(TreeBlock.leaves, size - UInt64(first) * TreeBlock.leaves))
    try reader.read(log) { (leaf, _) throws(LogError) in
      if leaf.header.fields.revision == revision, leaf.header.fields.operation != .dropped {
        proof = try LeafProof(
          leaf, number: UInt64(first) * TreeBlock.leaves + UInt64(hashes.count), head: head, withPayload: withPayload)
      }
      hashes.append(try hasher.hash(leaf.header, leaf.record, leaf.origin))
      return hashes.count < wanted
    }
    guard var proof else { return nil }
    proof.path = path(to: proof.leaf, block: first, leaves: hashes)
    guard proof.holds else {
      throw LogError(.damaged, "the log is not the one that the newest head speaks of; look with logstore-verify")
    }
    return proof
  }

  private func path(to leaf: UInt64, block: Int, leaves: [Digest]) -> [Digest] {
    TreeRange.inclusion(leaf, size: size).map { run in
      TreeRange.root(of: run) { subtree in
        if subtree.level >= TreeBlock.level { return blocks.root(subtree) }
        let start = UInt64(block) * TreeBlock.leaves
        let isHere = subtree.leaves.lowerBound >= start && subtree.leaves.upperBound <= start + UInt64(leaves.count)
        let known = isHere ? leaves[...] : openLeaves[...]
        let base = isHere ? start : UInt64(blocks.blocks.count) * TreeBlock.leaves
        var frontier = Frontier()
        frontier.append(leaves: known[Int(subtree.leaves.lowerBound - base)..<Int(subtree.leaves.upperBound - base)])
        return frontier.root
      }
    }
  }
}

extension LeafProof {
  fileprivate init(
    _ leaf: borrowing LeafRecord, number: UInt64, head: SignedHead, withPayload: Bool
  ) throws(LogError) {
    var header = ByteBuffer(capacity: 256)
    RecordLeaf.append(leaf.header, leaf.record, leaf.origin, to: &header)
    self.init(
      head: head, leaf: number, path: [], header: header.bytes.array(),
      commitment: try RecordLeaf.commitment(leaf.header, leaf.record), opening: nil)
    guard withPayload, leaf.header.codec != .redacted else { return }
    opening = Opening(
      salt: RecordLeaf.salt(leaf.record).array(),
      payload: leaf.record.extracting(leaf.header.payloadRange).array())
  }
}
