/// The value of every setting after flag, environment, file and default have been asked in this order.
internal import LogStore

struct SettledSettings: Sendable {
  struct Entry: Sendable {
    /// nil for a setting that nobody gave and that has no default.
    let value: SettingValue?
    let origin: SettingOrigin
  }

  private var entries: [SettingName: Entry] = [:]

  init(
    flags: ServerFlags, environment: EnvironmentVariables, files: [ConfigurationFile]
  ) throws(ConfigurationError) {
    for setting in Setting.all {
      entries[setting.name] = try SettledSettings.settle(setting, flags, environment, files)
    }
  }

  subscript(name: SettingName) -> Entry { entries[name] ?? Entry(value: nil, origin: .builtIn) }

  private static func settle(
    _ setting: Setting, _ flags: ServerFlags, _ environment: EnvironmentVariables, _ files: [ConfigurationFile]
  ) throws(ConfigurationError) -> Entry {
    var result = Entry(value: setting.builtIn, origin: .builtIn)
    for file in files {
      if let found = file.entries[setting.name] { result = Entry(value: found.value, origin: found.origin) }
    }
    if let variable = setting.variable, let text = environment[variable] {
      result = try read(setting, text, .environment(variable))
    }
    if let flag = setting.flag, let text = flags.value(setting.name) {
      result = try read(setting, text, .flag(flag))
    }
    return result
  }

  private static func read(
    _ setting: Setting, _ text: String, _ origin: SettingOrigin
  ) throws(ConfigurationError) -> Entry {
    do throws(SettingRefusal) {
      return Entry(value: try setting.kind.value(of: ScalarText(text: text, form: .free)), origin: origin)
    } catch {
      throw ConfigurationError(origin, error.message)
    }
  }
}

/// Values by type. The table of settings decides the type, so a wrong one is a mistake of this program.
extension SettledSettings {
  func text(_ name: SettingName) -> String {
    guard case .text(let text) = self[name].value else { preconditionFailure("\(name.rawValue) is no text") }
    return text
  }

  /// Nil for a setting that nobody gave.
  func optionalText(_ name: SettingName) -> String? {
    guard case .text(let text) = self[name].value else { return nil }
    return text
  }

  func integer(_ name: SettingName) -> Int {
    guard case .integer(let number) = self[name].value else { preconditionFailure("\(name.rawValue) is no number") }
    return number
  }

  func seconds(_ name: SettingName) -> Int {
    guard case .seconds(let number) = self[name].value else { preconditionFailure("\(name.rawValue) is no time") }
    return number
  }

  func boolean(_ name: SettingName) -> Bool {
    guard case .boolean(let flag) = self[name].value else { preconditionFailure("\(name.rawValue) is no boolean") }
    return flag
  }

  func port(_ name: SettingName) -> ListenerPort {
    guard case .port(let port) = self[name].value else { preconditionFailure("\(name.rawValue) is no port") }
    return port
  }

  func secret(_ name: SettingName) -> Secret? {
    guard case .secret(let text) = self[name].value else { return nil }
    return Secret(text)
  }

  var durability: Durability {
    let name = text(.durability)
    guard let level = Durability.allCases.first(where: { $0.name == name }) else {
      preconditionFailure("\(name) is no durability")
    }
    return level
  }
}
