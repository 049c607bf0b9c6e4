/// Takes in the stream of reads, and hands on what passes the filter.
internal import Bytes
internal import LogStore
internal import StoreTools
internal import ToolSupport

struct ReadSource {
  private let options: DumpOptions
  private let limit: Int
  private let report: Report
  private let output: Output

  init(_ options: DumpOptions, limit: Int, report: Report, output: Output) {
    self.options = options
    self.limit = limit
    self.report = report
    self.output = output
  }

  /// - Returns: how many reads it gave.
  func run(on store: StoreInspection, to sink: any ReadSink) -> Int {
    let filter = EventFilter(options)
    var emitted = 0
    let stream = ReadStream(store) { report.take($0) }
    let isThere = stream.read(newestFirst: options.reverse) { read, bytes, place in
      // Damage behind the last one that is wanted is told all the same.
      guard emitted < limit, filter.matches(read, bytes) else { return !output.isClosed }
      sink.emit(read, bytes, place)
      emitted += 1
      if emitted == limit { output.flush() }
      return !output.isClosed
    }
    sink.finish()
    if !isThere {
      report.say("no READ events are kept here: a hub with the setting audit.reads records them from then on")
    }
    return emitted
  }
}
