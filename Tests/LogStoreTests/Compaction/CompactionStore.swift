/// A store of several sealed segments that a test compacts, and what its files are.
import Bytes
import LogStore
import LogStoreTesting

struct CompactionStore {
  let disk = SimulatedDisk()
  let driver: Driver

  /// Text as agents write it, so that there is something to compress.
  static let words = [
    "the", "plan", "of", "an", "agent", "that", "remembers", "what", "others", "forget", "each", "day",
  ]

  init(commits: Int = 60, options: LogOptions = Driver.smallOptions) throws {
    driver = Driver(disk, options: options)
    driver.writesText = true
    try driver.open()
    for commit in 1...commits {
      driver.clock.advance(milliseconds: 3)
      try driver.commit(1 + commit % 3)
      if commit % 23 == 0 { driver.log.stampIfIdle() }
    }
  }

  static func packedNames(_ image: DiskImage) -> [String] { image.paths.filter { $0.contains("-0001.seg") } }
  static func plainNames(_ image: DiskImage) -> [String] { image.paths.filter { $0.contains("-0000.seg") } }
}

extension Driver {
  /// Packs all that can be packed; returns how many segments were.
  @discardableResult
  func compact() -> Int {
    let before = log.compactionStatus.segments
    while log.beginCompaction() {
      log.settleCompaction()
      if log.compactionStatus.failure != nil { break }
    }
    return log.compactionStatus.segments - before
  }

  /// Reads every event by the position that it was given when it was written.
  func readAll() throws -> Bool {
    for index in positions.indices where try !read(index) { return false }
    return true
  }
}
