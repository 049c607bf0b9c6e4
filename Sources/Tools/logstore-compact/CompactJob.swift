/// One run of the tool: opens the store, packs segment by segment, and says what came of it.
internal import Bytes
internal import Glibc
internal import LogStore
internal import Programs
internal import ToolSupport

struct CompactJob {
  let directory: String
  let policy: RetentionPolicy
  let isDryRun: Bool
  let format: OutputFormat

  func run() -> ExitStatus {
    signal(SIGPIPE, SIG_IGN)
    FileLimit.raise()
    do throws(LogError) {
      let storage: PosixStorage
      do {
        storage = try PosixStorage(path: directory, creating: false)
      } catch {
        return refuse(ExitStatus(opening: error), String(cString: strerror(error.errno)))
      }
      if isDryRun { return try show(try StoreDirectory.load(storage, writable: false)) }
      // Nothing is made where no store is.
      _ = try StoreDirectory.load(storage, writable: false)
      return try pack(storage)
    } catch {
      return refuse(ExitStatus(error), error.description)
    }
  }

  private func refuse(_ status: ExitStatus, _ cause: String) -> ExitStatus {
    let advice = status == .noInput ? "; name the directory that mfh-server has as --data-dir" : ""
    StandardError.say("logstore-compact", "\(directory): \(cause)\(advice)")
    return status
  }

  // MARK: Packing

  private func pack(_ storage: PosixStorage) throws(LogError) -> ExitStatus {
    var options = LogOptions()
    options.compactionBytesPerSecond = 0
    options.retention = policy
    let log = try RecordLog(storage, options: options, now: CompactJob.now())
    defer { log.abandon() }
    let output = Output()
    var status = try retain(log, output)
    let total = log.compactable.count
    var done = 0
    while let number = log.compactable.first, log.beginCompaction() {
      let before = log.compactionStatus
      while log.isCompacting, !log.settleCompaction() {
        progress(done, of: total, log.compactionProgress)
        usleep(20_000)
      }
      done += 1
      if let failure = log.compactionStatus.failure {
        clearProgress()
        StandardError.say("logstore-compact", failure.description)
        status = ExitStatus(failure)
        if failure.code == .io { break }
        continue
      }
      clearProgress()
      tell(
        number, before: log.compactionStatus.bytesBefore - before.bytesBefore,
        after: log.compactionStatus.bytesAfter - before.bytesAfter, to: output)
    }
    sum(log.compactionStatus.segments, log.compactionStatus.bytesBefore, log.compactionStatus.bytesAfter, to: output)
    output.flush()
    try log.close()
    return status
  }

  /// Writes what a client may still repeat as it is: the hub's default for `request_id`.
  private static let untouchedMicroseconds: Int64 = 600_000_000

  private func retain(_ log: RecordLog, _ output: Output) throws(LogError) -> ExitStatus {
    guard policy != .forever else { return .done }
    repeat {
      log.stepRetention(now: CompactJob.now(), untouched: CompactJob.untouchedMicroseconds)
      log.stepCompaction()
      progress("retention: \(log.retentionStatus.segmentsLeft) segments left")
      usleep(20_000)
    } while log.isRetaining || log.isCompacting
    clearProgress()
    let retained = log.retentionStatus
    if let failure = retained.failure {
      StandardError.say("logstore-compact", failure.description)
      return ExitStatus(failure)
    }
    switch format {
    case .json: output.buffer.append(text: "{\"floor\":\(retained.floor)}\n")
    case .table:
      let text = retained.floor == .none ? "the past is whole" : "the past is whole from revision \(retained.floor) on"
      output.buffer.append(text: text + "\n")
    }
    return .done
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }

  private var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  private func progress(_ done: Int, of total: Int, _ part: Double) {
    progress("packing segment \(done + 1) of \(total): \(Int(part * 100)) %")
  }

  private func progress(_ text: String) {
    guard isTerminal else { return }
    let line = "\r\(text)  "
    _ = write(STDERR_FILENO, line, line.utf8.count)
  }

  private func clearProgress() {
    guard isTerminal else { return }
    _ = write(STDERR_FILENO, "\r\u{1B}[K", 4)
  }

  // MARK: Telling

  private func tell(_ number: SegmentNumber, before: Int, after: Int, to output: Output) {
    switch format {
    case .json:
      output.buffer.append(text: "{\"segment\":\(number),\"bytes_before\":\(before),\"bytes_after\":\(after)}\n")
    case .table:
      let sizes = "\(ByteSize.text(UInt64(before))) to \(ByteSize.text(UInt64(after)))"
      output.buffer.append(text: "segment \(number): \(sizes)\n")
    }
    output.flush()
  }

  private func sum(_ segments: Int, _ before: Int, _ after: Int, to output: Output) {
    switch format {
    case .json:
      output.buffer.append(
        text: "{\"segments_packed\":\(segments),\"bytes_before\":\(before),\"bytes_after\":\(after)}\n")
    case .table:
      let sizes = segments == 0 ? "" : ", \(ByteSize.text(UInt64(before))) to \(ByteSize.text(UInt64(after)))"
      output.buffer.append(text: "\(segments) segments packed\(sizes)\n")
    }
  }

  /// What a run would let go and pack.
  private func show(_ store: StoreDirectory) throws(LogError) -> ExitStatus {
    if let problem = store.problems.first { return refuse(ExitStatus(problem), problem.description) }
    let output = Output()
    let end = (try? TailExaminer(store).examine().activeIndex) ?? 0
    try showRetention(of: store, end, to: output)
    let plain = store.segments[..<end].filter { $0.header.packedFrom == nil }
    for segment in plain {
      switch format {
      case .json:
        output.buffer.append(text: "{\"segment\":\(segment.number),\"bytes_before\":\(segment.header.capacity)}\n")
      case .table:
        output.buffer.append(text: "segment \(segment.number): \(ByteSize.text(segment.header.capacity))\n")
      }
    }
    let bytes = plain.reduce(0) { $0 + $1.header.capacity }
    switch format {
    case .json: output.buffer.append(text: "{\"segments_to_pack\":\(plain.count),\"bytes_before\":\(bytes)}\n")
    case .table: output.buffer.append(text: "\(plain.count) segments to pack, \(ByteSize.text(bytes))\n")
    }
    output.flush()
    return .done
  }

  private func showRetention(of store: StoreDirectory, _ activeIndex: Int, to output: Output) throws(LogError) {
    guard policy != .forever else { return }
    let forecast = try RetentionForecast(
      of: store, activeIndex: activeIndex, policy, now: CompactJob.now(),
      untouched: CompactJob.untouchedMicroseconds)
    switch format {
    case .json:
      output.buffer.append(
        text: "{\"events_to_drop\":\(forecast.events),\"bytes_to_drop\":\(forecast.bytes),"
          + "\"segments_to_write_anew\":\(forecast.segments),\"floor\":\(forecast.floor)}\n")
    case .table:
      let past = forecast.floor == .none ? "stays whole" : "would be whole from revision \(forecast.floor) on"
      output.buffer.append(
        text: "\(forecast.events) events to let go, \(ByteSize.text(UInt64(forecast.bytes))), from "
          + "\(forecast.segments) segments; the past \(past)\n")
    }
  }
}

extension ExitStatus {
  init(_ error: LogError) {
    switch error.code {
    case .notFound, .notAStore: self = .noInput
    case .damaged, .unsupported: self = .damaged
    case .locked: self = .locked
    case .io, .poisoned, .tooLarge, .noRoom, .busy: self = .inputOutput
    }
  }

  /// For a directory that could not be opened.
  init(opening failure: StorageError) {
    switch failure.errno {
    case ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP: self = .noInput
    case EACCES, EPERM: self = .notPermitted
    default: self = .inputOutput
    }
  }
}
