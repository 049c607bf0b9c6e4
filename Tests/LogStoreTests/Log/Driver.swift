/// Drives a log the way its owner does, and keeps the model of what it was given.
import Bytes
import LogStore
import LogStoreTesting

final class Driver: @unchecked Sendable {
  let storage: any Storage
  var options: LogOptions
  var clock = SimulatedClock()
  private(set) var model = StoreModel()
  private(set) var positions: [RecordPosition] = []
  /// Payloads are words instead of random bytes.
  var writesText = false
  private var opened: RecordLog?
  private var random: SplitMix
  private var newest: [Int: Revision] = [:]

  /// Small, so that a few hundred records fill several segments.
  static let smallOptions = LogOptions(segmentBytes: 24 << 10, firstSegmentBytes: 16 << 10, usesThreads: false)

  init(_ storage: any Storage, options: LogOptions = Driver.smallOptions, seed: UInt64 = 7) {
    self.storage = storage
    self.options = options
    random = SplitMix(seed: seed)
  }

  deinit { opened?.abandon() }

  var log: RecordLog {
    guard let opened else { preconditionFailure("the log is open") }
    return opened
  }

  var isOpen: Bool { opened != nil }

  /// Opens the log, checks it against the model, and takes what it has as the new truth.
  @discardableResult
  func open() throws -> Survey {
    opened = nil
    let log = try RecordLog(storage, options: options, now: clock.now)
    opened = log
    let survey = try Survey.of(log, model)
    if survey.complaint == nil, survey.events < model.events.count {
      model.settle(survey.events, epoch: survey.epoch)
      positions.removeLast(positions.count - survey.events)
    }
    return survey
  }

  /// Takes over what another driver's log should hold.
  func adopt(_ model: StoreModel) {
    self.model = model
    positions = model.events.map { _ in RecordPosition(segment: SegmentNumber(1), offset: 0, length: 0) }
  }

  func close() throws {
    let log = log
    opened = nil
    if log.failure == nil { model.submit() }
    do {
      try log.close()
    } catch {
      log.abandon()
      throw error
    }
  }

  /// As a process that dies: nothing more is written.
  func abandon() {
    opened?.abandon()
    opened = nil
  }

  // MARK: Writing

  /// Writes one commit of `count` events and waits for its acknowledgement.
  func commit(_ count: Int = 1, payload: Int? = nil) throws {
    try build(count, payload: payload)
    try submit()
  }

  /// Puts `count` events into the commit that is being built, all of them into the same.
  func build(_ count: Int, payload: Int? = nil) throws {
    var sizes = (0..<count).map { _ in payload ?? randomSize() }
    // What one segment does not hold is no commit.
    while sizes.reduce(0, { $0 + $1 + 256 }) > options.commitBytesMax { sizes[sizes.count - 1] /= 2 }
    try log.reserve(sizes.reduce(0) { $0 + $1 + 256 })
    for size in sizes { append(payload: size) }
  }

  /// Mostly small, now and then more than a page.
  private func randomSize() -> Int {
    Int.random(in: 0..<16, using: &random) == 0 ? 5_000 : 20 + Int.random(in: 0..<400, using: &random)
  }

  private func append(payload size: Int) {
    let number = Int.random(in: 0..<20, using: &random)
    let key = Array("memory/\(number)".utf8)
    let agent = Array("agent-\(number % 3)".utf8)
    let payload = writesText ? text(size) : (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    let none: [UInt8] = []
    var fields = RecordFields(
      operation: newest[number] == nil ? .create : .update, revision: log.lastRevision.next,
      time: log.nextTime(clock.now))
    fields.previousRevision = newest[number] ?? .none
    // The log chooses a salt only where there is none yet.
    if fields.operation.isPut { fields.salt = UInt128(fields.revision.value) << 64 | 7 }
    fields.stateHash = UInt128(number)
    let names = RecordNames(
      key: key.span.bytes, agent: agent.span.bytes, correlation: none.span.bytes, request: none.span.bytes)
    positions.append(log.append(fields, names, payload: payload.span.bytes))
    model.append(.init(fields: fields, bytes: key + agent + payload))
    newest[number] = fields.revision
  }

  private func text(_ size: Int) -> [UInt8] {
    var text = ""
    while text.utf8.count < size {
      text += CompactionStore.words[Int.random(in: 0..<CompactionStore.words.count, using: &random)] + " "
    }
    return Array(text.utf8.prefix(size))
  }

  func submit() throws {
    model.submit()
    log.submit()
    try log.waitForSubmitted()
    model.acknowledge(durable: log.durableThrough, epoch: log.epoch)
    while let buffer = log.takeCompleted(through: log.completedTicket) { log.recycle(buffer) }
  }

  /// Reads one event back by its position.
  func read(_ index: Int) throws -> Bool {
    var buffer = ByteBuffer()
    let header = try log.readRecord(at: positions[index], into: &buffer)
    return model.holds(header, buffer.bytes)
  }
}
