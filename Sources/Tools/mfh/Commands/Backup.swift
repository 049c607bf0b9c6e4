/// `mfh backup`.
internal import ArgumentParser
internal import Bytes
internal import HubClient
internal import ToolSupport

struct Backup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copies the hub's store into a directory, while the hub goes on.",
    usage: "mfh backup <target> [<options>]",
    discussion: """
      Runs on the hub's host, as a user who may read its data directory. The target is a new or empty directory, or one \
      with an earlier backup of the same hub: then only what is new is copied, and the earlier backup stays whole until \
      the new one is. Everything is read back, and the state checksum of the copy is compared with the hub's.

      A backup is a store: logstore-verify and logstore-dump read it, a copy of it is what mfh-server can be started on, \
      and logstore-replay makes a store of any earlier moment from it.

      Examples:
        mfh backup /backup/hub
        mfh backup /backup/hub --format json | jq .revision
        logstore-verify /backup/hub
      """)

  @Argument(help: "The directory of the backup.")
  var target: String

  @OptionGroup var client: ClientOptions

  func validate() throws {
    if target.isEmpty { throw ValidationError("The target is empty: name a directory.") }
  }

  func run() throws {
    let session = try Session(client)
    let result = try BackupJob(session, target: target).run()
    if client.format == .json {
      session.output.buffer.append(text: result.json)
    } else {
      var fields = FieldList()
      for (name, value) in result.fields { fields.add(name, value) }
      fields.append(to: &session.output.buffer)
    }
    try session.finish()
  }
}
