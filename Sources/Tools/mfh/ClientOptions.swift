/// The options that every command has, and what becomes of them together with the environment.
internal import Access
internal import ArgumentParser
internal import Glibc
internal import HubClient
internal import Programs
internal import ToolSupport

/// How to reach the hub, and how to print what it says.
struct ConnectionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Where the hub is. [MFH_HUB; tcp://127.0.0.1:5713]", valueName: "address"))
  var hub: String?

  @Option(help: ArgumentHelp("File with the hub's key. [MFH_API_KEY: the key itself]", valueName: "file"))
  var apiKeyFile: String?

  @Option(
    help: ArgumentHelp("File with the hub's public key: encrypts (CURVE). [MFH_HUB_KEY_FILE]", valueName: "file"))
  var hubKeyFile: String?

  @Option(
    help: ArgumentHelp("File with this client's own CURVE key. [MFH_CURVE_KEY_FILE]", valueName: "file"))
  var curveKeyFile: String?

  @Option(help: ArgumentHelp("How long to wait for the hub. [5]", valueName: "seconds"))
  var timeout: Double?

  @Option(help: "For people, or one JSON object a line.")
  var format = OutputFormat.table

  private static let longestTimeout = 86_400.0

  func validate() throws {
    guard seconds > 0, seconds <= ConnectionOptions.longestTimeout else {
      throw ValidationError("--timeout is more than 0 and at most 86400 seconds")
    }
  }

  // MARK: Settled

  var seconds: Double { timeout ?? 5 }

  var address: HubAddress {
    get throws(Failure) {
      let given = hub ?? ConnectionOptions.environment("MFH_HUB")
      guard let given else { return .standard }
      guard let address = HubAddress(given) else {
        let source = hub == nil ? "MFH_HUB" : "--hub"
        throw Failure(.usage, "\(source) is \"\(given)\": an address looks like \(HubAddress.standard)")
      }
      return address
    }
  }

  var apiKey: APIKey? {
    get throws(Failure) {
      guard let apiKeyFile else { return ConnectionOptions.environment("MFH_API_KEY").map { APIKey($0) } }
      let key = try InputText.read(file: apiKeyFile).split { $0.isNewline }.first.map(String.init) ?? ""
      guard !key.isEmpty else { throw Failure(.damaged, "\(apiKeyFile): the file has no key in its first line") }
      return APIKey(key)
    }
  }

  /// Nil: the connection is not encrypted.
  var encryption: Encryption? {
    get throws(Failure) {
      let hubFile = hubKeyFile ?? ConnectionOptions.environment("MFH_HUB_KEY_FILE")
      let ownFile = curveKeyFile ?? ConnectionOptions.environment("MFH_CURVE_KEY_FILE")
      // A hub on this host may have its own key named in the environment: that alone asks for nothing.
      guard let hubFile else {
        guard curveKeyFile == nil else { throw Failure(.usage, "--curve-key-file needs --hub-key-file") }
        return nil
      }
      guard let ownFile else {
        throw Failure(.usage, "--hub-key-file needs --curve-key-file, with a key that the hub lets in")
      }
      guard let hubKey = CurveCertificate.publicKey(in: try InputText.read(file: hubFile)) else {
        throw Failure(.damaged, "\(hubFile): it holds no public key that mfh keys curve has made")
      }
      guard let ownKey = CurveCertificate.pair(in: try InputText.read(file: ownFile)) else {
        throw Failure(.damaged, "\(ownFile): it holds no secret key that mfh keys curve has made")
      }
      return Encryption(hubKey: hubKey, ownKey: ownKey)
    }
  }

  /// Whether the hub knows by a key who asks. Then nothing else is said: another name would be refused.
  var belongsToAgent: Bool {
    get throws(Failure) {
      if let apiKey = try apiKey { return apiKey.belongsToAgent }
      return try encryption != nil
    }
  }

  fileprivate static func environment(_ name: String, allowsEmpty: Bool = false) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty && !allowsEmpty ? nil : text
  }
}

/// The same, and who asks.
struct ClientOptions: ParsableArguments {
  static let valued: Set<String> = [
    "--hub", "--agent", "--api-key-file", "--hub-key-file", "--curve-key-file", "--timeout", "--format",
  ]

  @Option(help: ArgumentHelp("Who asks; the log keeps it. [MFH_AGENT; mfh, or the key's]", valueName: "id"))
  var agent: String?

  @OptionGroup var connection: ConnectionOptions

  var format: OutputFormat { connection.format }

  /// "" for an anonymous client, when that was asked for, and for one whose key says who it is.
  var agentID: String {
    get throws(Failure) {
      if let given = agent ?? ClientOptions.agentOfEnvironment { return given }
      return try connection.belongsToAgent ? "" : "mfh"
    }
  }

  static var agentOfEnvironment: String? { ConnectionOptions.environment("MFH_AGENT", allowsEmpty: true) }
}
