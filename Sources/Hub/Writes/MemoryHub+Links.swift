/// Gives the records that are planned their links to the key's earlier events.
internal import Bytes
internal import LogStore

extension MemoryHub {
  /// Links a planned record to the newest event of its key.
  func link(_ fields: inout RecordFields, to newest: Newest, _ key: RawSpan, _ hash: KeyHash) {
    guard newest.revision != .none else { return }
    fields.previousRevision = newest.revision
    fields.depth = min(newest.link.depth + 1, RecordFields.depthMax)
    guard ChainLink(fields).isHead else {
      fields.skipRevision = newest.link.isHead ? newest.revision : newest.link.skip
      return
    }
    linkHead(&fields, to: newest.link.skip, key, hash)
  }

  /// A head skips as in a skew-binary list: where two skips in a row are equally long, it skips over both.
  ///
  /// Source: Myers, "An applicative random-access stack", Information Processing Letters 17 (1983).
  private func linkHead(_ fields: inout RecordFields, to parent: Revision, _ key: RawSpan, _ hash: KeyHash) {
    fields.skipRevision = parent
    // The head before may be planned in the same batch.
    let planned = plan.heads.last { $0.0 == hash && $0.1.first?.revision == parent }?.1
    var chain = planned ?? recentHeads.chain(hash, from: parent) ?? []
    var next = chain.last?.link.skip ?? parent
    let isMore = ChainLink.skipsOverTwo(depth: fields.depth)
    while isMore, chain.count < 3, next != .none, let head = readHead(next, key) {
      chain.append(head)
      next = head.link.skip
    }
    if chain.count > 2, chain[0].link.depth - chain[1].link.depth == chain[1].link.depth - chain[2].link.depth {
      fields.skipRevision = chain[2].revision
      chain.removeFirst(2)
    }
    chain.insert(ChainHead(revision: fields.revision, link: ChainLink(fields)), at: 0)
    // Only once the record is written: what is planned may still be refused.
    plan.heads.append((hash, chain))
  }

  /// Reads a head; nil when it is under way or can not be read. Then the link is a shorter one: links make reads of the
  /// past fast, nothing depends on them.
  private func readHead(_ revision: Revision, _ key: RawSpan) -> ChainHead? {
    guard case .record(let position)? = try? log.find(revision),
      let header = try? log.readHeader(at: position, into: &recordScratch)
    else { return nil }
    linkReads += 1
    let link = ChainLink(header.fields)
    guard MemoryHub.isOf(key, header, recordScratch), link.isHead, link.skip < revision else { return nil }
    return ChainHead(revision: revision, link: link)
  }

  private static func isOf(_ key: RawSpan, _ header: RecordHeader, _ record: borrowing ByteBuffer) -> Bool {
    record.bytes.extracting(header.keyRange).equals(key)
  }

  /// How the newest event of a deleted key links on. One that can not be read counts as the first of a new row.
  func deadLink(_ key: RawSpan) -> ChainLink {
    guard let entry = state.newestEvent(key) else { return ChainLink() }
    if let known = recent.link(entry.revision) { return known }
    guard let header = try? log.readHeader(at: entry.position, into: &recordScratch) else { return ChainLink() }
    return ChainLink(header.fields)
  }
}
