/// `mfh-bench`: loads a running hub and reports how long its answers take.
internal import ArgumentParser
internal import Bytes
internal import Glibc
internal import Programs

@main
enum Main {
  static func main() {
    do {
      var command = try MFHBench.parseAsRoot()
      try command.run()
    } catch {
      if let error = error as? LoadError { fail(error.message, error.status.rawValue) }
      let code = MFHBench.exitCode(for: error)
      guard code == .success else { fail(MFHBench.message(for: error), code.rawValue) }
      print(MFHBench.fullMessage(for: error))
    }
  }

  /// One line: what, where, and what to do.
  private static func fail(_ message: String, _ code: Int32) -> Never {
    if !message.isEmpty { StandardError.say("mfh-bench", message) }
    exit(code)
  }
}

struct MFHBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mfh-bench",
    abstract: "Loads a running hub, and reports throughput and latencies (P50 to P99.9) by operation.",
    discussion: """
      The load overwrites keys that begin with "agent-" and end in "/memory/" and eight digits: do not aim it at a hub \
      whose memories matter. Without --rate it is a closed loop: each connection sends its next request when a \
      reply comes. With --rate requests have their times, and latencies count from then, sent late or not.

      Exit codes: 0 done, 64 usage, 66 no such input, 69 no hub answers, or it answered with errors.
      """,
    version: "mfh-bench \(Version.number)")

  @Option(help: "The hub's address. [MFH_HUB]")
  var hub: String?

  @Option(help: "Connections.")
  var connections = 64

  @Option(help: "Requests in flight on each connection.")
  var inFlight = 1

  @Option(help: "How long to run; with --suite, each row. [default: 5, unless --requests is given]")
  var seconds: Double?

  @Option(help: "How many requests to send; with --suite, in each row.")
  var requests: Int?

  @Option(help: "Operations and their shares, of get, put, delete, exists.")
  var mix = Mix(argument: "get=70,put=30") ?? Mix(.get)

  @Option(help: "Keys; all are written once before anything is measured.")
  var keys = 10_000

  @Option(help: "Bytes of an item, as it is sent.")
  var valueBytes = 400

  @Option(help: "Requests a second of all connections together. [default: as many as are answered]")
  var rate: Double?

  @Option(help: "File of real text that items are made of. [default: sentences of a built-in list of words]")
  var text: String?

  @Option(help: "File that holds the hub's API key. [MFH_API_KEY holds the key itself]")
  var apiKeyFile: String?

  @Option(help: "File with the hub's public CURVE key; needs --curve-key-file.")
  var hubKeyFile: String?

  @Option(help: "File with this client's CURVE key. Its agent is mfh-bench, if it has one.")
  var curveKeyFile: String?

  @Flag(help: "Run the standard rows: get and put by 1 and by 64 connections, and by 8 with 32 in flight.")
  var suite = false

  @Option(help: "How to print: table (for people) or json (one object a line).")
  var format = ReportFormat.table

  func validate() throws {
    try check((1...10_000).contains(connections), "--connections is 1 to 10000")
    try check((1...4_096).contains(inFlight), "--in-flight is 1 to 4096, which is what a hub takes")
    try check(requests.map { $0 > 0 } ?? true, "--requests is at least 1")
    try check(seconds.map { $0 > 0 && $0 <= 1_000_000 } ?? true, "--seconds is more than 0")
    try check(requests == nil || seconds == nil, "give --seconds or --requests, not both")
    try check((1...100_000_000).contains(keys), "--keys is 1 to 100000000")
    try check((1...1 << 20).contains(valueBytes), "--value-bytes is 1 to 1048576")
    try check(rate.map { $0 > 0 && $0 <= 1e8 } ?? true, "--rate is more than 0")
    try check((hubKeyFile == nil) == (curveKeyFile == nil), "give --hub-key-file and --curve-key-file, or neither")
    try check(!suite || rate == nil, "--suite has its own loads: it takes no --rate")
  }

  private func check(_ holds: Bool, _ message: String) throws {
    if !holds { throw ValidationError(message) }
  }

  func run() throws {
    FileLimit.raise()
    var target = try LoadTarget(hub ?? Environment.value("MFH_HUB") ?? "tcp://127.0.0.1:5713")
    if let hubKeyFile, let curveKeyFile { try target.encrypt(hubFile: hubKeyFile, ownFile: curveKeyFile) }
    let source = try text.map { try TextFile.read($0) } ?? ItemText.builtIn()
    let apiKey = try apiKeyFile.map { try TextFile.read($0).trimmed } ?? Environment.value("MFH_API_KEY")
    var writer = RequestWriter(LoadOptions(keys: keys, valueBytes: valueBytes), text: source, apiKey: apiKey)
    try fill(target, &writer)
    var printer = ReportPrinter(format)
    var errors = 0
    for load in loads {
      let report = try LoadRun(load, target).run(&writer)
      printer.print(load, report)
      errors += report.errorCount
    }
    if errors > 0 { throw LoadError(.unavailable, "\(errors) requests were answered with an error") }
  }

  private var length: Load.Length {
    requests.map { .requests($0) } ?? .nanoseconds(Int64((seconds ?? 5) * 1e9))
  }

  private var loads: [Load] {
    if suite { return Suite.loads(length) }
    let load = Load(
      name: "\(mix.description) \(connections) x \(inFlight)", mix: mix, connections: connections, inFlight: inFlight,
      length: length, rate: rate)
    return [load]
  }

  /// Writes every key once, so that every get finds something.
  private func fill(_ target: LoadTarget, _ writer: inout RequestWriter) throws {
    var load = Load(
      name: "fill", mix: Mix(.put), connections: min(8, keys), inFlight: 32, length: .requests(keys))
    load.keysInOrder = true
    load.silenceNanoseconds = 5_000_000_000
    let report = try LoadRun(load, target).run(&writer)
    guard report.errorCount == 0 else {
      let codes = report.errors.keys.sorted().joined(separator: ", ")
      throw LoadError(.unavailable, "\(target.endpoint) refused the keys to begin with: \(codes)")
    }
  }
}
