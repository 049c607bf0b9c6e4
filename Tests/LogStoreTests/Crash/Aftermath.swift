/// Opens what a crash has left, and holds it against the invariants.
///
/// I1: every acknowledged record is there, byte for byte. I2: what is there is a prefix of what was written, whole
/// commits only. I4: recovery is idempotent, also when it is cut short itself. I6: nothing traps.
import LogStore
import LogStoreTesting

struct Aftermath {
  let model: StoreModel
  let options: LogOptions
  let now: Int64
  /// Everything that was found wrong.
  private(set) var complaints: [String] = []
  private(set) var recoveries = 0
  private(set) var secondCrashes = 0

  init(_ model: StoreModel, options: LogOptions, now: Int64) {
    self.model = model
    self.options = options
    self.now = now
  }

  /// Opens a copy of the disk. `second` are the calls of the recovery at which the power is cut once more.
  mutating func examine(_ image: DiskImage, second: [Int], seed: UInt64, _ label: @autoclosure () -> String) {
    let disk = SimulatedDisk(image, seed: seed)
    let snapshots = Snapshots()
    disk.observe { if second.contains($0) { snapshots.images.append(($0, disk.image)) } }
    let survey = open(disk, label)
    disk.observe(nil)
    guard let survey else { return }
    judge(survey, label)
    workOn(disk, survey, label)
    for (index, (call, image)) in snapshots.images.enumerated() {
      let mode = LossMode.allCases[(index + call + Int(seed % 5)) % LossMode.allCases.count]
      let again = SimulatedDisk(image, seed: seed)
      again.losePower(mode, seed: seed &+ UInt64(call))
      secondCrashes += 1
      let nested = "\(label()), and again at call \(call) of recovery, losing \(mode)"
      guard let other = open(again, nested) else { continue }
      judge(other, nested)
    }
  }

  private final class Snapshots: @unchecked Sendable { var images: [(Int, DiskImage)] = [] }

  private mutating func open(_ disk: SimulatedDisk, _ label: @autoclosure () -> String) -> Survey? {
    open(disk, label)
  }

  private mutating func open(_ disk: SimulatedDisk, _ label: () -> String) -> Survey? {
    recoveries += 1
    do {
      let log = try RecordLog(disk, options: options, now: now)
      defer { log.abandon() }
      return try Survey.of(log, model)
    } catch {
      complaints.append("\(label()): \(error)")
      return nil
    }
  }

  private mutating func judge(_ survey: Survey, _ label: @autoclosure () -> String) { judge(survey, label) }

  private mutating func judge(_ survey: Survey, _ label: () -> String) {
    if let complaint = survey.complaint { complaints.append("\(label()): \(complaint)") }
    let promised = options.durability == .fsync ? model.acknowledged : model.durable
    if survey.events < promised {
      complaints.append("\(label()): \(survey.events) of \(promised) promised events")
    }
    if !model.commitEnds.contains(survey.events), survey.events != model.events.count {
      complaints.append("\(label()): \(survey.events) events are not whole commits")
    }
    if survey.events < model.acknowledged, survey.epoch <= model.epoch {
      complaints.append("\(label()): acknowledged events are gone and the epoch is still \(survey.epoch)")
    }
  }

  /// A recovered store takes writes, and has them after another cut.
  private mutating func workOn(_ disk: SimulatedDisk, _ before: Survey, _ label: () -> String) {
    disk.restart()
    let driver = Driver(disk, options: options)
    driver.options.durability = .fsync
    driver.clock.now = now
    do {
      driver.adopt(model)
      try driver.open()
      try driver.commit(2)
      driver.abandon()
      disk.losePower(.all, seed: 1)
      let after = try driver.open()
      if after.complaint != nil || after.events != before.events + 2 {
        complaints.append("\(label()): after two more events \(after)")
      }
      driver.abandon()
    } catch {
      complaints.append("\(label()), then at work: \(error)")
    }
  }
}
