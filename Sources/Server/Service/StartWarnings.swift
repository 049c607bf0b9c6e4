/// What a start warns of: what the configuration allows, and others on the network could make use of.

extension HubServiceOptions {
  /// Of 128 bits. SECURITY: row 6.
  private static let apiKeyBytesMin = 16

  /// One line each; none where nobody else can reach the listeners.
  var warnings: [String] {
    guard isReachable else { return [] }
    var warnings: [String] = []
    let asksForKeys = apiKey != nil || keyFile != nil
    if !asksForKeys {
      warnings.append(
        "everybody who can reach \(bindAddress) is let in and may do everything: security.allow_anonymous is true, and "
          + "neither security.key_file nor MFH_API_KEY is set")
    }
    if let apiKey, apiKey.isShorter(thanBytes: HubServiceOptions.apiKeyBytesMin) {
      warnings.append(
        "MFH_API_KEY has less than \(HubServiceOptions.apiKeyBytesMin) bytes, it can be guessed: take one of 128 random "
          + "bits (openssl rand -hex 16), or security.key_file")
    }
    if asksForKeys, zeroMQPort != nil, curveKeyFile == nil {
      warnings.append(
        "API keys and items travel in clear text on this network: security.curve_key_file and clients with CURVE keys "
          + "encrypt them over ZeroMQ")
    }
    return warnings + clearTextWarnings
  }

  /// CURVE is for ZeroMQ alone.
  private var clearTextWarnings: [String] {
    guard edges.tls == nil else { return [] }
    var warnings: [String] = []
    if grpcPort != nil {
      warnings.append(
        "gRPC is in clear text on this network, API keys and items too: security.tls.certificate and security.tls.key "
          + "encrypt it, server.grpc_port: 0 switches it off")
    }
    if httpPort != nil {
      warnings.append(
        "HTTP is in clear text on this network: security.tls.certificate and security.tls.key encrypt it, "
          + "server.metrics_port: 0 switches it off")
    }
    return warnings
  }
}
