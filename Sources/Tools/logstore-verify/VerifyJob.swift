/// One run of the tool: opens the store, has it checked, and says how it is.
internal import Bytes
internal import Evidence
internal import Glibc
internal import HistoryTree
internal import LogStore
internal import Programs
internal import StoreTools
internal import ToolSupport

struct VerifyJob {
  static let program = "logstore-verify"
  let directory: String
  let format: OutputFormat
  let isVerbose: Bool
  /// Files with heads that were kept elsewhere.
  var headFiles: [String] = []
  var publicKey: VerifierKey?

  func run() -> ExitStatus {
    signal(SIGPIPE, SIG_IGN)
    FileLimit.raise()
    do {
      let storage = try StoreSource.storage(directory, program: VerifyJob.program)
      let store = try StoreSource.open(directory, on: storage, program: VerifyJob.program)
      // The heads first: a live hub writes them behind the records that they speak of.
      return verify(store, try tree(storage, store.store))
    } catch {
      return error
    }
  }

  private func tree(_ storage: any Storage, _ store: StoreIdentity) throws(ExitStatus) -> TreeVerifier {
    var saved: [SignedHead] = []
    for file in headFiles { saved += try HeadText.read(file, program: VerifyJob.program) }
    do {
      return try TreeVerifier(storage, store: store, saved: saved, key: publicKey)
    } catch {
      StandardError.say(VerifyJob.program, LogError(error).message)
      throw .inputOutput
    }
  }

  private func verify(_ store: StoreInspection, _ tree: TreeVerifier) -> ExitStatus {
    let output = Output()
    let progress = Progress(totalBytes: store.fileBytes, isWanted: true)
    let report = Report(VerifyJob.program, isVerbose: isVerbose, progress: progress)
    let outcome = StoreVerifier.run(store, tree: tree, report: report, progress: progress)
    if publicKey != nil, outcome.heads == 0 {
      report.say(
        "note: there is no head that could be signed with the key of --public-key: nothing was checked with it")
    }
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
