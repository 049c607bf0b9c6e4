/// A hub on a disk in memory, with a clock that stands still until an input moves it.
internal import Bytes
internal import FuzzLog
internal import Hub
internal import LogStore

final class FuzzClock: HubClock, @unchecked Sendable {
  /// 2025-08-07T17:30:00Z.
  static let start: Int64 = 1_754_587_800_000_000

  var time = FuzzClock.start

  func now() -> Int64 { time }
}

enum FuzzHub {
  static let options = LogOptions(
    durability: .fsync, segmentBytes: 64 << 10, firstSegmentBytes: 64 << 10, usesThreads: false)

  /// Small, so that short inputs reach them.
  static var limits: HubLimits {
    var limits = HubLimits()
    limits.itemBytes = 1_024
    limits.requestBytes = 2_048
    limits.replyBytes = 4_096
    limits.batchOperations = 4
    limits.batchGetKeys = 4
    limits.listLimit = 8
    limits.identifierBytes = 16
    limits.keyBytes = 64
    limits.deadKeys = 4
    limits.rememberedRequests = 8
    return limits
  }

  /// nil when the store is refused.
  static func open(_ disk: MemoryDisk, clock: FuzzClock = FuzzClock()) -> MemoryHub? {
    guard let log = try? RecordLog(disk, options: options, now: clock.now()) else { return nil }
    guard let hub = try? MemoryHub(log: log, limits: limits, clock: clock) else {
      log.abandon()
      return nil
    }
    return hub
  }
}
