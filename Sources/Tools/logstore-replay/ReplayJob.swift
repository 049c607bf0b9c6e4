/// One run of the tool: opens source and target, has the one replayed into the other, and says what came of it.
internal import Bytes
internal import Glibc
internal import Hub
internal import LogStore
internal import Programs
internal import StoreTools
internal import ToolSupport

struct ReplayJob {
  static let program = "logstore-replay"
  private let options: ReplayOptions
  private let plan: ReplayPlan

  init(_ options: ReplayOptions) {
    self.options = options
    plan = options.plan(now: SystemClock().now())
  }

  func run() -> ExitStatus {
    signal(SIGPIPE, SIG_IGN)
    FileLimit.raise()
    do {
      let storage = try StoreSource.storage(options.source, program: ReplayJob.program)
      let source = try StoreSource.open(options.source, on: storage, program: ReplayJob.program)
      var target: TargetDirectory?
      if let path = options.target {
        target = try TargetDirectory.open(path, source: options.source, creating: !options.dryRun)
      }
      return replay(source, into: target)
    } catch {
      return error
    }
  }

  private func replay(_ source: StoreInspection, into target: TargetDirectory?) -> ExitStatus {
    let output = Output()
    let progress = Progress(totalBytes: source.fileBytes, isWanted: true)
    let report = Report(ReplayJob.program, isVerbose: options.verbose, progress: progress)
    let outcome: ReplayOutcome
    do {
      outcome = try Replay.run(
        source, plan, into: options.dryRun ? nil : target?.storage, report: report, progress: progress)
    } catch {
      target?.takeBack()
      return refuse(error, report)
    }
    note(outcome, report)
    let printer = ReplayPrinter(
      outcome: outcome, source: source, plan: plan, target: options.dryRun ? nil : options.target)
    switch options.format {
    case .json: printer.appendJSON(to: &output.buffer)
    case .table: printer.appendTable(to: &output.buffer)
    }
    output.flush()
    if let failure = output.failure {
      report.say("standard output: \(failure); the store was made all the same")
      report.raise(.inputOutput)
    }
    return report.status
  }

  private func refuse(_ failure: ReplayFailure, _ report: Report) -> ExitStatus {
    switch failure {
    case .damaged:
      report.say("\(options.source) is damaged, nothing was made; --salvage takes everything that is sound")
      return report.status
    case .beyondEnd(let newest):
      report.say("\(options.source): there is no revision \(options.toRevision ?? 0) yet, the newest is \(newest)")
      return .noInput
    case .beforeStart(let first):
      report.say("\(options.source): the past before revision \(first) is not there any more")
      return .noInput
    case .target(let error):
      report.say("\(options.target ?? ""): \(error.message); nothing was made")
      return ExitStatus(creating: error)
    }
  }

  /// What somebody who asked for a point may not expect.
  private func note(_ outcome: ReplayOutcome, _ report: Report) {
    if case .time(let time) = plan.point {
      if time > plan.now { report.say("note: that time is in the future, everything there is was taken") }
      if let first = outcome.firstTime, time < first {
        report.say("note: that time is before the first event (\(ReplayPrinter.text(first))), the state is empty")
      }
    }
    if outcome.cutsBatch {
      report.say("note: revision \(outcome.revision) is inside of an atomic batch, the rest of which is left out")
    }
  }
}
