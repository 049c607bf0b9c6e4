/// Puts the effective configuration together. Precedence: flag, then environment, then file, then default; the host's
/// own file is merged over the file beside it.
package struct ConfigurationLoader: Sendable {
  private let environment: EnvironmentVariables
  private let hostName: String?

  /// - Parameter hostName: nil asks the machine.
  package init(environment: EnvironmentVariables = .process, hostName: String? = nil) {
    self.environment = environment
    self.hostName = hostName ?? HostName.current()
  }

  /// - Throws: `ConfigurationError` with the exit code for it: 78, 64 for the value of a flag, 66 for a missing file.
  package func load(_ flags: ServerFlags) throws(ConfigurationError) -> EffectiveConfiguration {
    let settings = try SettledSettings(flags: flags, environment: environment, files: try files(flags))
    try SettingRules.check(settings)
    return EffectiveConfiguration(settings: settings)
  }

  private func files(_ flags: ServerFlags) throws(ConfigurationError) -> [ConfigurationFile] {
    guard let path = flags.config ?? environment["MFH_CONFIG"] else { return [] }
    let origin: SettingOrigin = flags.config == nil ? .environment("MFH_CONFIG") : .flag("--config")
    guard let text = try ConfigurationText.read(path) else {
      let place = "\(origin.place): \(PrintableText.quoted(path, scalarsMax: .max))"
      throw ConfigurationError(
        "\(place) does not exist: give the path of a YAML file", exitCode: ConfigurationError.noInput)
    }
    var result = [try ConfigurationFile(text, environment: environment)]
    if let hostPath = pathOfHostFile(beside: path), let text = try ConfigurationText.read(hostPath) {
      result.append(try ConfigurationFile(text, environment: environment))
    }
    return result
  }

  private func pathOfHostFile(beside path: String) -> String? {
    // A host name is data from outside: it must not lead anywhere else.
    guard let hostName, !hostName.isEmpty, !hostName.hasPrefix("."), !hostName.utf8.contains(UInt8(ascii: "/")) else {
      return nil
    }
    let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let result = directory + hostName + ".yaml"
    return result == path ? nil : result
  }
}

/// The configuration that counts, and where each value of it came from.
package struct EffectiveConfiguration: Sendable {
  package let configuration: ServerConfiguration
  let settings: SettledSettings

  init(settings: SettledSettings) {
    self.settings = settings
    configuration = ServerConfiguration(settings)
  }
}
