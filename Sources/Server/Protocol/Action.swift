/// The actions that this version answers.
internal import Access

/// What a key has to allow for an action.
enum NeededRight: Equatable {
  /// A key, and nothing else.
  case none
  /// The operation, for each name that the request speaks of.
  case onNames(Operations)
  /// The operation, for all names there are and can be.
  case everywhere(Operations)
}

enum Action: Int, CaseIterable {
  case get, put, delete, exists, listKeys, batchGet, batch, history, events, checksum, stats, health, ping, head, proof
  case snapshot, compact, redact, erasure

  var index: Int { rawValue }

  var name: StaticString {
    switch self {
    case .get: "get"
    case .put: "put"
    case .delete: "delete"
    case .exists: "exists"
    case .listKeys: "list_keys"
    case .batchGet: "batch_get"
    case .batch: "batch"
    case .events: "events"
    case .history: "history"
    case .checksum: "checksum"
    case .stats: "stats"
    case .health: "health"
    case .ping: "ping"
    case .head: "head"
    case .proof: "proof"
    case .snapshot: "snapshot"
    case .compact: "compact"
    case .redact: "redact"
    case .erasure: "erasure"
    }
  }

  /// What a key has to allow. docs/decisions/0045-principals-and-permissions.md has the reasons.
  var right: NeededRight {
    switch self {
    // They say that the hub is there and how it is; a head says nothing of what it stands for.
    case .ping, .health, .head: .none
    case .get, .exists, .listKeys, .batchGet, .history, .events, .proof: .onNames(.read)
    case .put, .delete, .batch: .onNames(.write)
    // The sum over all items answers guesses about any of them.
    case .checksum: .everywhere(.read)
    case .stats, .snapshot, .compact, .erasure: .everywhere(.admin)
    // By revision instead of by name it needs the same for all names.
    case .redact: .onNames(.admin)
    }
  }

  /// Whether it may ask for a revision that this hub must have reached.
  var isRead: Bool {
    switch self {
    case .get, .exists, .listKeys, .batchGet, .history, .events, .checksum, .proof: true
    case .put, .delete, .batch, .redact, .stats, .health, .ping, .head, .snapshot, .compact, .erasure: false
    }
  }

  /// Whether it writes: what it asks for, or what is due before it can be answered.
  var writes: Bool {
    switch self {
    case .put, .delete, .batch, .redact, .checksum: true
    case .get, .exists, .listKeys, .batchGet, .history, .events, .stats, .health, .ping, .head, .proof, .snapshot,
      .compact, .erasure:
      false
    }
  }

  /// Whether a client with writes under way has to wait for them before this action looks at the state.
  var needsSettledState: Bool {
    switch self {
    case .listKeys, .batchGet, .history, .events, .checksum, .stats, .proof, .redact: true
    case .get, .put, .delete, .exists, .batch, .health, .ping, .head, .snapshot, .compact, .erasure: false
    }
  }
}
