/// Rules between settings, checked when each of them is fine by itself.
enum SettingRules {
  static func check(_ settings: SettledSettings) throws(ConfigurationError) {
    try checkAccess(settings)
    try checkPorts(settings)
    try checkTLS(settings)
    try checkLimits(settings)
  }

  /// What others can reach needs a key, unless the operator says in so many words that it does not.
  private static func checkAccess(_ settings: SettledSettings) throws(ConfigurationError) {
    if settings.optionalText(.curveKeyFile) != nil, settings.optionalText(.keyFile) == nil {
      throw ConfigurationError(
        "\(settings[.curveKeyFile].origin.place): security.curve_key_file needs security.key_file, which says whom to "
          + "let in: mfh keys create makes it")
    }
    let address = settings.text(.bind)
    let asksForKeys = settings.secret(.apiKey) != nil || settings.optionalText(.keyFile) != nil
    guard !BindAddress.isLoopback(address), !asksForKeys, !settings.boolean(.allowAnonymous) else { return }
    let origin = settings[.bind].origin
    throw ConfigurationError(
      "\(origin.place): \(address) is not a loopback address, and no API key is set: set security.key_file or "
        + "MFH_API_KEY, or security.allow_anonymous: true in the configuration file to let everybody in who can reach it"
    )
  }

  private static func checkPorts(_ settings: SettledSettings) throws(ConfigurationError) {
    var seen: [UInt16: SettingName] = [:]
    for name in [SettingName.zmqPort, .grpcPort, .metricsPort] {
      guard case .number(let number) = settings.port(name) else { continue }
      if let other = seen[number] {
        // The one that was given is the one that can be changed.
        let origin = settings[name].origin == .builtIn ? settings[other].origin : settings[name].origin
        throw ConfigurationError(
          "\(origin.place): \(other.rawValue) and \(name.rawValue) are both \(number): "
            + "give one of them another port, 0 for off, or auto")
      }
      seen[number] = name
    }
  }

  /// A certificate without its key, or the other way round, would leave the listeners in the clear.
  private static func checkTLS(_ settings: SettledSettings) throws(ConfigurationError) {
    let needed: [(SettingName, SettingName)] = [
      (.tlsCertificate, .tlsKey), (.tlsKey, .tlsCertificate), (.tlsClientCA, .tlsCertificate),
    ]
    for (given, missing) in needed
    where settings.optionalText(given) != nil && settings.optionalText(missing) == nil {
      throw ConfigurationError(
        "\(settings[given].origin.place): \(given.rawValue) needs \(missing.rawValue), which is not set")
    }
  }

  private static func checkLimits(_ settings: SettledSettings) throws(ConfigurationError) {
    let item = settings.integer(.itemBytes)
    for name in [SettingName.requestBytes, .replyBytes] where settings.integer(name) < item {
      let origin = settings[name].origin == .builtIn ? settings[.itemBytes].origin : settings[name].origin
      throw ConfigurationError(
        "\(origin.place): \(name.rawValue) (\(settings.integer(name))) is less than limits.item_bytes (\(item)): "
          + "an item of the largest size would not fit")
    }
  }
}
