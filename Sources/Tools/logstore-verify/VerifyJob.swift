/// One run of the tool: opens the store, has it checked, and says how it is.
internal import Bytes
internal import Glibc
internal import LogStore
internal import Programs
internal import StoreTools
internal import ToolSupport

struct VerifyJob {
  static let program = "logstore-verify"
  let directory: String
  let format: OutputFormat
  let isVerbose: Bool

  func run() -> ExitStatus {
    signal(SIGPIPE, SIG_IGN)
    FileLimit.raise()
    do {
      let storage = try StoreSource.storage(directory, program: VerifyJob.program)
      return verify(try StoreSource.open(directory, on: storage, program: VerifyJob.program))
    } catch {
      return error
    }
  }

  private func verify(_ store: StoreInspection) -> ExitStatus {
    let output = Output()
    let progress = Progress(totalBytes: store.fileBytes, isWanted: true)
    let report = Report(VerifyJob.program, isVerbose: isVerbose, progress: progress)
    let outcome = StoreVerifier.run(store, report: report, progress: progress)
    let printer = VerifyPrinter(store: store, outcome: outcome, report: report)
    switch format {
    case .json: printer.appendJSON(to: &output.buffer)
    case .table: printer.appendTable(to: &output.buffer)
    }
    output.flush()
    if let failure = output.failure {
      report.say("standard output: \(failure); the result was not written")
      report.raise(.inputOutput)
    }
    return report.status
  }
}
