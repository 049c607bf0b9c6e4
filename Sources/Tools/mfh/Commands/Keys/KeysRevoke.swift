/// `mfh keys revoke`.
internal import Access
internal import ArgumentParser
internal import Programs
internal import ToolSupport

struct KeysRevoke: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Takes keys back: within a second the hub refuses what comes with them.",
    usage: "mfh keys revoke <key> … --file <file>",
    discussion: """
      Also on connections that such a key has opened. The line of the key stays in the file, with the time.

      Examples:
        mfh keys revoke k5x2m7qa --file /etc/mfh/keys
        mfh keys list --format json | jq -r 'select(.agent_id == "planner") | .key' | xargs mfh keys revoke
      """)

  @Argument(help: "The ids of the keys, as mfh keys list shows them.")
  var keys: [String]

  @Flag(help: "Say what would be done; change nothing.")
  var dryRun = false

  @OptionGroup var options: KeyFileOptions

  func run() throws {
    let path = try options.path
    let now = KeyTime.now()
    var file = try KeyFileEditor.read(path)
    let ids = try KeysRevoke.ids(keys, in: file, path)
    var changed: [KeyID] = []
    if dryRun {
      changed = ids.filter { file.revoke($0, at: now) }
    } else {
      changed = try KeyFileEditor.change(path, isCreating: false) { keys throws(Failure) in
        ids.filter { keys.revoke($0, at: now) }
      }
    }
    for id in ids {
      let isChanged = changed.contains(id)
      if options.format == .json {
        print("{\"key\":\"\(id)\",\"revoked\":\(isChanged && !dryRun),\"dry_run\":\(dryRun)}")
      } else {
        print("\(id)  \(isChanged ? dryRun ? "would be revoked" : "revoked" : "was revoked before")")
      }
    }
  }

  private static func ids(_ texts: [String], in file: KeyFileText, _ path: String) throws(Failure) -> [KeyID] {
    var ids: [KeyID] = []
    for text in texts {
      guard let id = KeyID(text), file.entries.contains(where: { $0.id == id }) else {
        throw Failure(.noInput, "\(path) has no key \"\(text)\": mfh keys list shows their ids; nothing was changed")
      }
      ids.append(id)
    }
    return ids
  }
}
