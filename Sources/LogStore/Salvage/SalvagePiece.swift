/// What a segment that is written anew is made of.

/// A record to be copied from a damaged segment.
struct SalvagedRecord {
  let offset: Int
  let length: Int
  /// The revisions that it stands for: its own one, or those that a gap record names; none for others.
  let revisions: ClosedRange<UInt64>?
  let time: Int64
  let epoch: UInt64

  init(_ record: InspectedRecord, revisions: ClosedRange<UInt64>?) {
    offset = record.offset
    length = Int(record.header.recordBytes)
    self.revisions = revisions
    time = record.header.fields.time
    epoch = record.epoch
  }
}

enum SalvagePiece {
  /// A frame that is whole, at this byte of the old segment. Stamps and seals tell of the old segment: they count
  /// revisions here and are not copied.
  case frame(FrameHeader, offset: Int)
  /// What is left of damaged frames: records that follow each other without a gap.
  case records([SalvagedRecord], Durability)
  /// Revisions that are lost here.
  case gap(GapRecord)

  /// The revision that the log should have reached before this piece; nil when the piece does not say.
  var firstRevision: Revision? {
    switch self {
    case .frame(let header, _): header.firstRevision
    case .records(let records, _): records.lazy.compactMap(\.revisions).first.map { Revision($0.lowerBound) }
    case .gap(let gap): gap.first
    }
  }

  /// The last revision with it; nil when it has none.
  var lastRevision: Revision? {
    switch self {
    case .frame(let header, _): header.lastRevision
    case .records(let records, _): records.last { $0.revisions != nil }?.revisions.map { Revision($0.upperBound) }
    case .gap(let gap): gap.last
    }
  }

  var epoch: UInt64 {
    switch self {
    case .frame(let header, _): header.epoch
    case .records(let records, _): records.map(\.epoch).max() ?? 0
    case .gap: 0
    }
  }

  var time: Int64 {
    switch self {
    case .frame(let header, _): header.time
    case .records(let records, _): records.map(\.time).max() ?? 0
    case .gap: 0
    }
  }

  var isSeal: Bool {
    if case .frame(let header, _) = self { header.kind == .seal } else { false }
  }
}
