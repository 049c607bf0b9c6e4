/// One run of the tool: opens the store, connects source, filter and printer, and says how it ended.
internal import Glibc
internal import LogStore
internal import Programs
internal import StoreTools
internal import ToolSupport

struct DumpJob {
  private let options: DumpOptions

  init(_ options: DumpOptions) { self.options = options }

  func run() -> ExitStatus {
    // A reader that goes away shows as a failed write, which ends the run quietly.
    signal(SIGPIPE, SIG_IGN)
    FileLimit.raise()
    let storage: PosixStorage
    do {
      storage = try StoreSource.storage(options.directory, program: "logstore-dump")
    } catch {
      return error
    }
    return run(on: storage, to: Output())
  }

  func run(on storage: any Storage, to output: Output) -> ExitStatus {
    do {
      return dump(
        try StoreSource.open(options.directory, on: storage, program: "logstore-dump"), to: output)
    } catch {
      return error
    }
  }

  private func dump(_ store: StoreInspection, to output: Output) -> ExitStatus {
    let statistics = LogStatistics()
    let rowsScrollBy = output.isTerminal && !options.stats && !options.reverse
    let progress = Progress(totalBytes: store.fileBytes, isWanted: !rowsScrollBy)
    let report = Report("logstore-dump", isVerbose: options.verbose, progress: progress)
    var left = options.limit ?? .max
    func dumpReads() {
      guard options.type.contains(.read) else { return }
      let sink: any ReadSink =
        options.format == .json ? JSONReadSink(output, store: store.store) : TableReadSink(output)
      left -= ReadSource(options, limit: left, report: report, output: output).run(on: store, to: sink)
    }
    // Reads stand behind the events of the log, and so come first backwards.
    if options.reverse { dumpReads() }
    if !options.isOfReadsOnly { left -= dumpLog(store, limit: left, to: output, report, progress, statistics) }
    if !options.reverse { dumpReads() }
    if let failure = output.failure {
      report.say("standard output: \(failure); the rest was not written")
      report.raise(.inputOutput)
    }
    return report.status
  }

  /// - Returns: how many events it gave.
  private func dumpLog(
    _ store: StoreInspection, limit: Int, to output: Output, _ report: Report, _ progress: Progress,
    _ statistics: LogStatistics
  ) -> Int {
    let sink = makeSink(output, report, store, statistics)
    // What is redacted is not printed, whether its bytes are gone yet or not.
    let edits = PendingRedactions.find(in: store)
    let source = EventSource(
      options, limit: limit, edits: edits, sink: sink, report: report, output: output, progress: progress,
      statistics: statistics)
    var inspector = LogInspector(store, visitor: source, edits: edits)
    inspector.run()
    source.finish()
    if source.emitted == 0, source.lastRevision != .none, !options.stats, !output.isClosed {
      report.say(
        "nothing in \(options.directory) passes the filters: the log ends with revision \(source.lastRevision)")
    }
    return source.emitted
  }

  private func makeSink(
    _ output: Output, _ report: Report, _ store: StoreInspection, _ statistics: LogStatistics
  ) -> any EventSink {
    switch (options.stats, options.records, options.format) {
    case (true, _, let format):
      EventStatistics { events in
        let summary = Summary(store: store, log: statistics, events: events, report: report)
        switch format {
        case .json: summary.appendJSON(to: &output.buffer)
        case .table: summary.appendTable(to: &output.buffer)
        }
        output.flush()
      }
    case (false, true, .json): JSONRecordSink(output)
    case (false, true, .table): TableRecordSink(output)
    case (false, false, .json): JSONEventSink(output, report, lineage: store.lineage)
    case (false, false, .table): TableEventSink(output)
    }
  }
}
