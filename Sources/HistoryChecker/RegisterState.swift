/// The sequential object: what one key of a hub does when operations come one at a time.

/// A key's value and what is known of the store's revision. Revisions are those of the whole store, so other keys take
/// some too; of a write whose outcome is unknown only a lower bound is known.
struct RegisterState: Hashable {
  /// The number of the live value; nil when the key is absent.
  var value: Int?
  /// The store has come to this revision at least. While the key is live this is the revision of its value, or the
  /// least that it can have.
  var revision: UInt64 = 0
  /// Whether `revision` is exactly the live value's.
  var isExact = false

  /// What an operation does, with its values as numbers.
  struct Step {
    var call: Kind
    var ifRevision: UInt64?
    var effect: Effect
    /// Of an unknown write: the revision that it must have had if it took place, because somebody saw it.
    var boundRevision: UInt64?
    /// Of another unknown write: revisions that it can have had, ascending, because nobody else was told of them.
    var freeRevisions: [UInt64] = []
    /// And all from here on; nil for none.
    var freeFrom: UInt64?
  }

  enum Kind: Hashable {
    case get
    case put(Int)
    case delete
  }

  enum Effect: Hashable {
    case unknown
    case absent
    case seen(value: Int, revision: UInt64)
    case stored(UInt64, created: Bool)
    case deleted(UInt64)
    case nothing(UInt64)
    case conflict(value: Int, revision: UInt64)
    case conflictAbsent
  }

  /// The state after the operation; nil when it can not have had this outcome here. An unknown outcome stands for the
  /// operation having changed something.
  func after(_ step: Step) -> RegisterState? {
    switch step.effect {
    case .absent: return value == nil ? self : nil
    case .seen(let value, let revision): return showing(value, revision)
    case .conflict(let value, let revision): return revision != step.ifRevision ? showing(value, revision) : nil
    case .conflictAbsent: return value == nil && step.ifRevision != 0 ? self : nil
    case .nothing(let revision):
      guard value == nil, step.ifRevision ?? 0 == 0, revision >= self.revision else { return nil }
      return RegisterState(value: nil, revision: revision, isExact: false)
    case .stored(let revision, let created):
      guard created == (value == nil) else { return nil }
      return writing(step, revision)
    case .deleted(let revision): return value != nil ? writing(step, revision) : nil
    case .unknown:
      if step.call == .get || (step.call == .delete && value == nil) { return nil }
      return writing(step, step.boundRevision)
    }
  }

  /// The same state, in which the live value is now known to have this revision.
  private func showing(_ value: Int, _ revision: UInt64) -> RegisterState? {
    guard self.value == value, isExact ? self.revision == revision : self.revision <= revision else { return nil }
    return RegisterState(value: value, revision: revision, isExact: true)
  }

  /// The state after a write that takes `taken`; nil: a free revision above all before.
  private func writing(_ step: Step, _ taken: UInt64?) -> RegisterState? {
    var floor = revision
    if let ifRevision = step.ifRevision {
      if ifRevision == 0 {
        guard value == nil else { return nil }
      } else {
        guard let value, let current = showing(value, ifRevision) else { return nil }
        floor = current.revision
      }
    }
    // The least that is free leaves the most room to what comes after.
    guard let next = taken ?? step.free(above: floor), next > floor else { return nil }
    let live: Int? = if case .put(let number) = step.call { number } else { nil }
    return RegisterState(value: live, revision: next, isExact: live != nil && taken != nil)
  }
}

extension RegisterState.Step {
  fileprivate func free(above floor: UInt64) -> UInt64? {
    freeRevisions.first { $0 > floor } ?? freeFrom.map { max($0, floor + 1) }
  }
}
