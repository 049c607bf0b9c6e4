/// One record of a packed block: how its fields become numbers of the columns, and back. See FORMAT.md, "Columns".
internal import Bytes

/// What a record has beside its numbers.
struct PackedMarks: OptionSet {
  let rawValue: UInt64
  static let salt = PackedMarks(rawValue: 1)
  static let fingerprint = PackedMarks(rawValue: 2)
  static let stateHash = PackedMarks(rawValue: 4)
  /// The state hash is that of the key, the revision and the payload.
  static let derivedHash = PackedMarks(rawValue: 8)
  /// The payload's text has escapes.
  static let escaped = PackedMarks(rawValue: 16)
  /// The agent, or the correlation id, is that of the record before in the block.
  static let sameAgent = PackedMarks(rawValue: 32)
  static let sameCorrelation = PackedMarks(rawValue: 64)
  static let all: PackedMarks = [
    .salt, .fingerprint, .stateHash, .derivedHash, .escaped, .sameAgent, .sameCorrelation,
  ]

  /// Bytes that a record has behind the columns.
  var wideBytes: Int {
    (contains(.salt) ? 16 : 0) + (contains(.fingerprint) ? 8 : 0) + (contains(.stateHash) ? 16 : 0)
  }
}

/// What the numbers of the next record or frame count from.
struct PackedBase {
  var revision: UInt64
  var time: UInt64

  /// How revision and time of a record follow.
  mutating func pass(operation: UInt8, revision: UInt64, time: UInt64) {
    self.time = time
    if operation < PackedBase.firstWithoutRevision { self.revision = revision &+ 1 }
  }

  /// Operations from this one on take no revision.
  static let firstWithoutRevision: UInt8 = 64
}

/// The revision of a record that is named by another one, and times that are near the record's.
enum PackedNumber {
  /// 0 stays 0.
  static func link(_ target: UInt64, from revision: UInt64) -> UInt64 {
    target == 0 ? 0 : ZigZag.difference(revision, target)
  }

  static func target(_ link: UInt64, from revision: UInt64) -> UInt64 {
    link == 0 ? 0 : revision &- UInt64(bitPattern: ZigZag.decode(link))
  }

  /// A creation time: 0 for that of the record, 1 for none.
  static func creation(_ value: UInt64, at time: UInt64) -> UInt64 {
    if value == 0 { return 1 }
    let difference = ZigZag.difference(time, value)
    return difference == 0 ? 0 : difference &+ 1
  }

  static func creationTime(_ number: UInt64, at time: UInt64) -> UInt64 {
    switch number {
    case 0: time
    case 1: 0
    default: time &- UInt64(bitPattern: ZigZag.decode(number &- 1))
    }
  }

  /// An expiry: 0 for none.
  static func expiry(_ value: UInt64, at time: UInt64) -> UInt64 {
    value == 0 ? 0 : ZigZag.difference(value, time) &+ 1
  }

  static func expiryTime(_ number: UInt64, at time: UInt64) -> UInt64 {
    number == 0 ? 0 : ZigZag.sum(number &- 1, time)
  }
}
