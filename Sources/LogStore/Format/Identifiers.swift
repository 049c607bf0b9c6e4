/// The distinct numbers of the log as distinct types: a revision can not be passed where a segment is meant.
///
/// They are `@usableFromInline` so that other modules inline what is `@inlinable` in them.

/// The place of an event in the store's single order: 1, 2, 3, … with no gaps. 0 means "before the first".
@usableFromInline package struct Revision: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  @usableFromInline package var value: UInt64
  @inlinable package init(_ value: UInt64) { self.value = value }
  @inlinable package static var none: Revision { Revision(0) }
  @inlinable package static func < (left: Revision, right: Revision) -> Bool { left.value < right.value }
  @inlinable package var next: Revision { Revision(value + 1) }
  @usableFromInline package var description: String { String(value) }
}

/// The number of a segment file, from 1.
@usableFromInline package struct SegmentNumber: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible
{
  @usableFromInline package var value: UInt32
  @inlinable package init(_ value: UInt32) { self.value = value }
  /// A number read from a file or a name; nil when it can not be one. The last one is left out, so that there is
  /// always a next.
  package init?(stored value: UInt64) {
    guard value > 0, value < UInt64(UInt32.max) else { return nil }
    self.init(UInt32(value))
  }
  @inlinable package static func < (left: SegmentNumber, right: SegmentNumber) -> Bool { left.value < right.value }
  @inlinable package var next: SegmentNumber { SegmentNumber(value + 1) }
  @usableFromInline package var description: String { String(value) }
}

/// A segment's file in force: compaction and repair write a segment anew under its number, with the next generation.
package struct SegmentGeneration: Hashable, Sendable, BitwiseCopyable {
  package var number: SegmentNumber
  package var generation: UInt32

  package init(number: SegmentNumber, generation: UInt32) {
    self.number = number
    self.generation = generation
  }
}

/// Where a record lies: its segment, the byte at which it begins, and how many bytes it takes.
@usableFromInline package struct RecordPosition: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  @usableFromInline package var segment: SegmentNumber
  @usableFromInline package var offset: UInt32
  @usableFromInline package var length: UInt32
  @inlinable package init(segment: SegmentNumber, offset: UInt32, length: UInt32) {
    self.segment = segment
    self.offset = offset
    self.length = length
  }
  @usableFromInline package var description: String { "segment \(segment) offset \(offset)" }
}

/// 16 random bytes that name a store or a lineage. A store is one directory; a lineage is one history, which its
/// replicas share and a point-in-time recovery begins anew.
package struct StoreIdentity: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  package var high: UInt64
  package var low: UInt64
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
  package static let none = StoreIdentity(high: 0, low: 0)

  /// A new identity, from the system's random numbers, in the form of a version 4 UUID.
  package static func random() -> StoreIdentity {
    let high = UInt64.random(in: .min ... .max) & ~0xF000 | 0x4000
    let low = UInt64.random(in: .min ... .max) & ~(0b11 << 62) | (0b10 << 62)
    return StoreIdentity(high: high, low: low)
  }

  package var description: String {
    func hex(_ value: UInt64, _ digits: Int) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
    return "\(hex(high >> 32, 8))-\(hex(high >> 16 & 0xFFFF, 4))-\(hex(high & 0xFFFF, 4))-"
      + "\(hex(low >> 48, 4))-\(hex(low & 0xFFFF_FFFF_FFFF, 12))"
  }
}

/// What an acknowledgement of a commit means.
package enum Durability: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  /// On stable storage.
  case fsync = 0
  /// Handed to the operating system; on stable storage within the configured interval.
  case interval = 1
  /// Handed to the operating system.
  case none = 2

  package var name: String {
    switch self {
    case .fsync: "fsync"
    case .interval: "interval"
    case .none: "none"
    }
  }
}

/// What a record says happened. From 64 on: records that take no revision.
package enum Operation: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case create = 1
  case update = 2
  case delete = 3
  case expire = 4
  /// A write that a point-in-time recovery left out: it has its revision, its names and its time, and no effect.
  case void = 5
  /// An event that the retention has let go: its revision, its time and its leaf in the history tree are left. What it
  /// was, stands in the place of the item's kind.
  case dropped = 6
  /// A new epoch began here: earlier revisions of a higher number may have been taken back.
  case epoch = 64
  /// Revisions are lost from here on: the payload says which. See `GapRecord`.
  case gap = 65
  /// Payloads were erased: the payload says of which revisions, by whom and why.
  case redaction = 66

  package var takesRevision: Bool { rawValue < 64 }
  package var isPut: Bool { self == .create || self == .update }

  package var eventType: String {
    switch self {
    case .create: "CREATE"
    case .update: "UPDATE"
    case .delete: "DELETE"
    case .expire: "EXPIRE"
    case .void: "VOID"
    case .dropped: "DROPPED"
    case .epoch: "EPOCH"
    case .gap: "GAP"
    case .redaction: "REDACTION"
    }
  }
}
