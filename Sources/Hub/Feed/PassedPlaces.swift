/// Where the newest items lie that readers of the change feed, or commits, have passed: the next event of a key has the
/// one before it as its previous value, and looking that up would read the log once more.
internal import LogStore

struct PassedPlaces {
  private struct Slot {
    var revision = Revision.none
    var position = RecordPosition(segment: SegmentNumber(0), offset: 0, length: 0)
  }

  /// Revisions have their places in turn. Made when there is a reader.
  private var slots: [Slot] = []

  /// 24 bytes each.
  private static let slotCount: UInt64 = 1 << 17

  /// Whether anything is kept at all.
  var isInUse: Bool { !slots.isEmpty }

  mutating func begin() {
    if slots.isEmpty { slots = Array(repeating: Slot(), count: Int(PassedPlaces.slotCount)) }
  }

  mutating func note(_ revision: Revision, at position: RecordPosition) {
    slots[Int(revision.value & (PassedPlaces.slotCount - 1))] = Slot(revision: revision, position: position)
  }

  func place(of revision: Revision) -> RecordPosition? {
    guard !slots.isEmpty else { return nil }
    let slot = slots[Int(revision.value & (PassedPlaces.slotCount - 1))]
    return slot.revision == revision ? slot.position : nil
  }
}
