/// What passed the filter, to be printed newest first; of the oldest no more is kept than the limit asks for.

struct Match {
  let place: RecordPlace
  let frameOffset: Int?
  let epoch: UInt64
}

struct MatchList {
  private var kept: [Match] = []
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  mutating func append(_ match: Match) {
    // Cut only now and then: each cut moves what is kept.
    if kept.count / 2 >= limit { kept.removeFirst(kept.count - limit) }
    kept.append(match)
  }

  /// The newest ones, at most as many as the limit, oldest first.
  var newest: ArraySlice<Match> { kept.suffix(limit) }
}
