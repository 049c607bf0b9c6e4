/// Stores for the damage tests, and the one question they ask.
import LogStore
import LogStoreTesting

enum Stores {
  /// What opening and replaying a damaged store came to.
  enum Outcome: Equatable {
    case refused(LogError)
    case opened(Survey)

    var code: LogError.Code? {
      if case .refused(let error) = self { error.code } else { nil }
    }
    var survey: Survey? {
      if case .opened(let survey) = self { survey } else { nil }
    }
  }

  static func open(_ image: DiskImage, _ driver: Driver) -> Outcome {
    do {
      let log = try RecordLog(SimulatedDisk(image), options: driver.options, now: driver.clock.now)
      return .opened(try Survey.of(log, driver.model))
    } catch let error as LogError {
      return .refused(error)
    } catch {
      preconditionFailure("a log throws log errors: \(error)")
    }
  }

  static func segment(_ number: Int) -> String { StoreNames.segment(SegmentNumber(UInt32(number)), generation: 0) }

  /// A store of several segments. `isClosed`: in good order, else as a dead process leaves it.
  static func make(events: Int, isClosed: Bool = true) throws -> (disk: SimulatedDisk, driver: Driver) {
    let disk = SimulatedDisk()
    let driver = Driver(disk)
    try driver.open()
    for _ in 0..<events { try driver.commit() }
    if isClosed { try driver.close() } else { driver.abandon() }
    return (disk, driver)
  }
}
