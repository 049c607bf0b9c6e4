/// `mfh`: talks to a hub from a shell. CONTRACT: section 1.
internal import ArgumentParser
internal import Glibc
internal import Programs
internal import ToolSupport

@main
enum Main {
  static func main() {
    // A reader that goes away shows as a failed write, which ends the run quietly.
    signal(SIGPIPE, SIG_IGN)
    do throws(Failure) {
      let arguments = try GivenArguments.read()
      guard !arguments.isEmpty else {
        throw Failure(.usage, "name a command: \(MFH.commandNames.joined(separator: ", ")); mfh --help tells more")
      }
      try run(GivenArguments.ordered(arguments, valued: ClientOptions.valued))
    } catch {
      if !error.message.isEmpty { StandardError.say("mfh", DisplayText.line(error.message)) }
      exit(error.status.rawValue)
    }
  }

  private static func run(_ arguments: [String]) throws(Failure) {
    do {
      var command = try MFH.parseAsRoot(arguments)
      try command.run()
    } catch let error as Failure {
      throw error
    } catch {
      guard MFH.exitCode(for: error) == .success else {
        let named = arguments.first.flatMap { MFH.commandNames.contains($0) ? "mfh \($0)" : nil } ?? "mfh"
        throw Failure(.usage, UsageText.line(MFH.message(for: error), of: named))
      }
      print(MFH.fullMessage(for: error))
    }
  }
}

struct MFH: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mfh",
    abstract: "Talks to a Memory Fusion Hub: reads, writes, follows, takes back, asks how it is.",
    usage: "mfh <command> [<options>] …",
    discussion: """
      Examples:
        mfh ping
        mfh put notes/today 'Ship the hub on Friday' --tag plan --tag hub
        mfh put user/7 '{"name":"Ada","likes":["maps"]}'
        mfh get notes/today
        mfh list notes/ --all
        mfh get user/7 --format json | jq .item.content

      Every command takes these, before or after its name:
        --hub ADDRESS        where the hub is [MFH_HUB; tcp://127.0.0.1:5713]
        --agent ID           who asks; the log keeps it [MFH_AGENT; mfh]
        --api-key-file FILE  file with the API key [MFH_API_KEY: the key itself]
        --hub-key-file FILE  file with the hub's public key: encrypts (CURVE) [MFH_HUB_KEY_FILE]
        --curve-key-file FILE
                             file with this client's own CURVE key [MFH_CURVE_KEY_FILE]
        --timeout SECONDS    how long to wait for the hub [5]
        --format FORMAT      table, or json: one object a line [table]

      Exit codes:
        0   done
        64  wrong command line
        65  the hub refused the data, or they can not be read
        66  no such key, or no such file
        69  no hub there, or it can not do it now
        73  conflict: the key is not at the revision that --if-revision names
        74  I/O error
        77  not permitted
      """,
    version: "mfh \(Version.number)",
    subcommands: [
      Get.self, Put.self, Delete.self, Exists.self, List.self, History.self, Batch.self, Events.self, Watch.self,
      Undo.self, Health.self, Stats.self, Checksum.self, Ping.self, Head.self, Proof.self, Keys.self,
      Backup.self, Snapshot.self, Compact.self, Redact.self,
    ])

  static var commandNames: [String] { configuration.subcommands.compactMap { $0.configuration.commandName } }
}
