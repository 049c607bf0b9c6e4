/// The sizes that the hub refuses to exceed. CONTRACT: "Limits". Names are those of the configuration file.
package struct HubLimits: Sendable, Equatable {
  package var keyBytes = 1_024
  package var itemBytes = 1 << 20
  package var requestBytes = 4 << 20
  package var replyBytes = 8 << 20
  package var batchOperations = 1_024
  package var batchGetKeys = 1_024
  package var listLimit = 10_000
  package var identifierBytes = 256
  package var inFlightPerConnection = 4_096
  /// Deleted keys that are remembered, so that their history has an entry point.
  package var deadKeys = 1_000_000
  /// Writes whose request id is remembered, and for how long.
  package var rememberedRequests = 1_000_000
  package var rememberedMicroseconds: Int64 = 600_000_000
  /// A snapshot is taken when so much log lies behind the last one, and at least as much as that one takes.
  package var snapshotLogBytes = 128 << 20

  /// What `keyBytes` may be set to: the index holds no longer keys.
  package static let keyBytesRange = 1...1_024
  /// What `itemBytes` may be set to: with its names the record still is one that the index can point to.
  package static let itemBytesRange = 1_024...((2 << 20) - (8 << 10))

  package init() {}
}
