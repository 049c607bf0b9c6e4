/// `mfh redact`.
internal import ArgumentParser
internal import Bytes
internal import Glibc
internal import HubClient
internal import JSONText
internal import Programs
internal import ToolSupport

struct Redact: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "redact",
    abstract: "Erases items for good, out of every file of the store; what happened when stays on record.",
    usage: """
      mfh redact <key> --reason <text> [<options>]
      mfh redact --revision <n> --reason <text> [<options>]
      """,
    discussion: """
      There is no way back. A key loses all the items that it ever had, a revision its own. The key stays, with its \
      history, and reads of an erased item answer "redacted"; put it again, or mfh delete it. Proofs and audits go on to \
      hold. Who redacted what, when and why, is in the log: never name in the reason what is to be forgotten.

      At a terminal it shows what it would erase and asks before it does; in a pipe it does not, so look with --dry-run \
      first.

      The command waits until no file of the store has the bytes any more, and lists those that had. Backups from before, \
      copies, and what a salvage has put into quarantine/ are not touched.

      Examples:
        mfh redact user/7 --reason "asked for by the user, ticket 1207" --dry-run
        mfh redact user/7 --reason "asked for by the user, ticket 1207"
        mfh redact --revision 88123 --reason "a password was pasted"

      Exit code 66 when there is nothing to erase, 74 when the bytes are not gone yet: the hub goes on trying.
      """)

  @Argument(help: "The key whose items are erased.")
  var key: String?

  @Option(help: ArgumentHelp("Erase the item of this revision only.", valueName: "n"))
  var revision: UInt64?

  @Option(help: ArgumentHelp("Why: the log keeps it.", valueName: "text"))
  var reason: String

  @Flag(help: "Do not wait until the bytes are gone.") var noWait = false

  @Flag(help: "Show what would be erased; write nothing.") var dryRun = false

  @Flag(help: "At a terminal: do not ask.") var yes = false

  @OptionGroup var client: ClientOptions

  private static let pauseMicroseconds: UInt32 = 50_000

  func validate() throws {
    guard (key == nil) != (revision == nil) else { throw ValidationError("name a key, or a revision with --revision") }
    if reason.isEmpty { throw ValidationError("--reason is at least one character") }
  }

  func run() throws {
    let session = try Session(client)
    guard try isAgreed(session) else { return try session.finish() }
    var receipt = RedactionReceipt()
    var reply = HubReply()
    var before: UInt64?
    repeat {
      try session.perform(request(session, before: before), reply: &reply)
      try receipt.take(reply)
      before = reply.number("before_revision", of: reply.result)
    } while try reply.requiredFlag("more", of: reply.result)
    try session.perform(session.request("erasure"), reply: &reply)
    try receipt.take(erasure: reply.result, of: reply)
    while !noWait, !receipt.isDone, receipt.failure.isEmpty {
      usleep(Redact.pauseMicroseconds)
      try session.perform(session.request("erasure"), reply: &reply)
      try receipt.take(erasure: reply.result, of: reply)
    }
    receipt.print(to: session)
    try session.finish()
    if receipt.revisions.isEmpty { throw Redact.nothing }
    if !noWait, !receipt.isDone {
      throw Failure(
        .inputOutput, "the items are told no more, but are still in a file (\(receipt.failure)): the hub goes on trying"
      )
    }
  }

  private static let nothing = Failure(
    .noInput, "nothing to erase: no item is there that was not erased before")

  /// Shows what would be erased where that is asked for, or somebody can say no. False when nothing is to be done.
  private func isAgreed(_ session: Session) throws(Failure) -> Bool {
    let asks = !yes && Question.canBeAsked(session)
    guard dryRun || asks else { return true }
    let survey = RedactionSurvey(session)
    let found = if let key { try survey.items(of: key) } else { try survey.item(at: revision ?? 0) }
    guard !found.revisions.isEmpty else { throw Redact.nothing }
    found.print(to: session)
    session.output.flush()
    guard !dryRun else { return false }
    return Question.isAgreed("erase \(RedactionPlan.count(found.revisions)) for good?")
  }

  private func request(_ session: Session, before: UInt64?) -> HubRequest {
    var request = session.request("redact")
    if let key { request.add("key", key) }
    if let revision { request.add("revision", revision) }
    if let before { request.add("before_revision", before) }
    request.add("reason", reason)
    return request
  }
}

/// What was erased, which files had it, and which still do.
private struct RedactionReceipt {
  private(set) var revisions: [UInt64] = []
  private var heldBy: [String] = []
  private var stillHeldBy: [String] = []
  private var quarantined: [String] = []
  private(set) var isDone = false
  private(set) var failure = ""

  mutating func take(_ reply: borrowing HubReply) throws(Failure) {
    try RedactionReceipt.forEach("revisions", of: reply.result, reply) { node in
      if let revision = reply.tape.unsignedInteger(node, in: reply.text.bytes) { revisions.append(revision) }
    }
    try take(erasure: try reply.required("erasure", of: reply.result), of: reply)
  }

  mutating func take(erasure: Int, of reply: borrowing HubReply) throws(Failure) {
    isDone = try reply.requiredFlag("done", of: erasure)
    failure = try reply.requiredString("error", of: erasure)
    stillHeldBy = []
    quarantined = []
    try RedactionReceipt.forEach("files", of: erasure, reply) { stillHeldBy.append(reply.string($0)) }
    try RedactionReceipt.forEach("quarantined", of: erasure, reply) { quarantined.append(reply.string($0)) }
    for file in stillHeldBy where !heldBy.contains(file) { heldBy.append(file) }
  }

  private static func forEach(
    _ name: StaticString, of object: Int, _ reply: borrowing HubReply, _ visit: (Int) -> Void
  ) throws(Failure) {
    let list = try reply.required(name, of: object)
    var node = reply.tape.firstChild(list)
    for _ in 0..<reply.tape.count(list) {
      visit(node)
      node = reply.tape.after(node)
    }
  }

  func print(to session: Session) {
    if session.format == .json { return printJSON(to: session) }
    guard !revisions.isEmpty else { return }
    var fields = FieldList()
    fields.add("erased", RedactionPlan.count(revisions))
    fields.add("revisions", RedactionPlan.list(revisions))
    for file in heldBy { fields.add("file", stillHeldBy.contains(file) ? "\(file): still has them" : "\(file): gone") }
    fields.add("state", isDone ? "no file of the store has them any more" : "under way: mfh stats, erasing revisions")
    if !failure.isEmpty { fields.add("last error", failure) }
    for directory in quarantined { fields.add("not looked at", "\(directory): remove it yourself if it may hold them") }
    fields.append(to: &session.output.buffer)
  }

  private func printJSON(to session: Session) {
    var text = "{\"revisions\":[\(revisions.map(String.init).joined(separator: ","))],\"done\":\(isDone)"
    for (name, list) in [("held_by", heldBy), ("still_held_by", stillHeldBy), ("quarantined", quarantined)] {
      text += ",\"\(name)\":[\(list.map { "\"\($0)\"" }.joined(separator: ","))]"
    }
    session.printLine(text + "}")
  }
}
