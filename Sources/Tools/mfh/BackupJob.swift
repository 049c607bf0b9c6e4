/// Backs a running hub up: asks it for a revision and its checksum, copies its files up to there, and checks the copy.
internal import Bytes
internal import Glibc
internal import Hub
internal import HubClient
internal import JSONText
internal import LogStore
internal import Programs
internal import StoreTools
internal import ToolSupport

struct BackupJob {
  private let session: Session
  private let target: String
  private let wasThere: Bool

  init(_ session: Session, target: String) {
    self.session = session
    self.target = target
    wasThere = access(target, F_OK) == 0
  }

  /// The hub's state at a moment.
  fileprivate struct Moment {
    let revision: Revision
    let keys: UInt64
    let checksum: String
  }

  struct Result {
    fileprivate let target: String
    fileprivate let moment: Moment
    fileprivate let outcome: StoreBackup.Outcome
    /// Redacted items whose bytes the hub had not erased yet when they were copied.
    fileprivate let unerased: Int

    var json: String {
      var path = ByteBuffer(capacity: 256)
      JSONWriter.appendString(text: target, to: &path)
      return "{\"target\":\(path.bytes.text()),\"revision\":\(moment.revision),\"keys\":\(moment.keys),"
        + "\"checksum\":\"\(moment.checksum)\",\"copied_segments\":\(outcome.copiedSegments),"
        + "\"copied_bytes\":\(outcome.copiedBytes),\"kept_segments\":\(outcome.keptSegments),"
        + "\"kept_bytes\":\(outcome.keptBytes),\"unerased_revisions\":\(unerased)}\n"
    }

    var fields: [(String, String)] {
      let rows = [
        ("backup", target), ("revision", NumberText.count(moment.revision.value)),
        ("keys", NumberText.count(moment.keys)), ("checksum", "\(moment.checksum), read back"),
        ("copied", "\(outcome.copiedSegments) segments, \(ByteSize.text(outcome.copiedBytes))"),
        ("kept", "\(outcome.keptSegments) segments, \(ByteSize.text(outcome.keptBytes))"),
      ]
      guard unerased > 0 else { return rows }
      return rows + [
        (
          "unerased",
          "\(unerased) redacted items whose bytes are still there: back up again when the hub has erased them"
        )
      ]
    }
  }

  /// How often a store that changes under the copying is looked at anew.
  private static let attemptsMax = 8

  func run() throws(Failure) -> Result {
    FileLimit.raise()
    let (path, identity) = try hubsDirectory()
    if DirectoryPath.isInside(target, of: path) {
      throw Failure(.canNotCreate, "\(target) is the hub's own directory or inside of it (\(path)): name another one")
    }
    let source = try open(path)
    let storage = try makeTarget()
    var problem = ""
    for _ in 0..<BackupJob.attemptsMax {
      let moment = try askMoment()
      do throws(StoreBackup.Failure) {
        let outcome = try copy(source, identity, to: storage, moment)
        let unerased = try verify(storage, moment)
        return Result(
          target: DirectoryPath.absolute(target), moment: moment, outcome: outcome, unerased: unerased)
      } catch {
        switch error {
        case .moved(let reason): problem = reason
        case .source(let error): throw failed(ExitStatus(error), "\(path): \(error); nothing was copied")
        case .target(let error): throw failed(ExitStatus(creating: error), "\(target): \(error.message)")
        }
      }
    }
    removeIfMade()
    throw Failure(
      .damaged, "\(path): \(problem), at every of \(BackupJob.attemptsMax) looks; logstore-verify tells more")
  }

  // MARK: The hub

  private func hubsDirectory() throws(Failure) -> (path: String, store: String) {
    var reply = HubReply()
    try session.perform(session.request("stats"), reply: &reply)
    return (
      try reply.requiredString("data_dir", of: reply.result), try reply.requiredString("store", of: reply.result)
    )
  }

  /// Everything up to here is acknowledged, and stands in the log.
  private func askMoment() throws(Failure) -> Moment {
    var reply = HubReply()
    try session.perform(session.request("checksum"), reply: &reply)
    return Moment(
      revision: Revision(try reply.requiredNumber("revision", of: reply.result)),
      keys: try reply.requiredNumber("keys", of: reply.result),
      checksum: try reply.requiredString("checksum", of: reply.result))
  }

  private func open(_ path: String) throws(Failure) -> PosixStorage {
    do {
      return try PosixStorage(path: path, creating: false)
    } catch {
      let cause = String(cString: strerror(error.errno))
      throw Failure(
        ExitStatus(opening: error),
        "the hub at \(session.address) keeps its store in \(path), which can not be opened here (\(cause)): run mfh "
          + "backup on the hub's host, as a user who may read it")
    }
  }

  private func makeTarget() throws(Failure) -> PosixStorage {
    do {
      return try PosixStorage(path: target, creating: true)
    } catch {
      throw Failure(ExitStatus(creatingIn: error), "\(target): \(String(cString: strerror(error.errno)))")
    }
  }

  // MARK: The copy

  private func copy(
    _ storage: PosixStorage, _ identity: String, to target: PosixStorage, _ moment: Moment
  ) throws(StoreBackup.Failure) -> StoreBackup.Outcome {
    let source: StoreInspection
    do { source = try StoreInspection.open(storage) } catch { throw .source(error) }
    guard source.store.description == identity else {
      throw .source(
        LogError(
          .notFound,
          "the store there is \(source.store), that of the hub at \(session.address) is \(identity): run mfh backup on "
            + "the hub's host"))
    }
    let progress = Progress(totalBytes: source.fileBytes, isWanted: true)
    defer { progress.clear() }
    return try StoreBackup.run(
      StoreBackup(source, to: target, at: moment.revision, now: SystemClock().now()) { progress.show(bytes: $0) })
  }

  /// Reads all of the backup and computes its state anew.
  ///
  /// - Returns: how many redacted items it has the bytes of.
  private func verify(_ storage: PosixStorage, _ moment: Moment) throws(StoreBackup.Failure) -> Int {
    let store: StoreInspection
    do { store = try StoreInspection.open(storage) } catch { throw .target(error) }
    let progress = Progress(totalBytes: store.fileBytes, isWanted: true)
    let report = Report("mfh", isVerbose: false, progress: progress)
    let found = StoreVerifier.run(store, report: report, progress: progress)
    let problem =
      "the copy has checksum \(found.checksum) at revision \(found.revision), the hub told \(moment.checksum) at "
      + "\(moment.revision)"
    guard report.status == .done, found.revision == moment.revision else {
      throw .target(LogError(.damaged, "\(problem): the backup is not good"))
    }
    // Something may have been redacted since the hub was asked, which changes the checksum of the same revision.
    guard found.checksum == moment.checksum else { throw .moved(problem) }
    return found.unerased
  }

  private func failed(_ status: ExitStatus, _ message: String) -> Failure {
    removeIfMade()
    return Failure(status, message)
  }

  /// Takes the directory away again that was made for the backup, if nothing is in it.
  private func removeIfMade() {
    rmdir("\(target)/\(StoreNames.segments)")
    if !wasThere { rmdir(target) }
  }
}
