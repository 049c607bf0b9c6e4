/// The flags of `mfh-server` as they were given, not yet looked at: nil where a flag was left out.
package struct ServerFlags: Sendable, Equatable {
  package var config: String?
  package var dataDirectory: String?
  package var bind: String?
  package var zmqPort: String?
  package var grpcPort: String?
  package var metricsPort: String?
  package var durability: String?
  package var logLevel: String?

  package init() {}

  /// The flag that sets `name`, and its value when it was given.
  func value(_ name: SettingName) -> String? {
    switch name {
    case .bind: bind
    case .zmqPort: zmqPort
    case .grpcPort: grpcPort
    case .metricsPort: metricsPort
    case .dataDirectory: dataDirectory
    case .durability: durability
    case .logLevel: logLevel
    default: nil
    }
  }
}
