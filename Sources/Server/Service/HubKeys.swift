/// The keys that a hub starts with, out of the files that its configuration names.
internal import Access
internal import HistoryTree

struct HubKeys {
  /// Signs heads; nil: they are not signed.
  let head: SignerKey?
  /// nil: ZeroMQ is not encrypted.
  let curve: CurveKeyPair?
  /// Those of clients; nil: there is no file of them.
  let clients: KeyWatch?

  /// - Throws: when one of the files can not be used.
  init(_ options: HubServiceOptions) throws(ConfigurationError) {
    head = try options.headKeyFile.map { path throws(ConfigurationError) in
      try HeadKeyFile.read(path, dataDirectory: options.dataDirectory)
    }
    curve = try options.curveKeyFile.map { path throws(ConfigurationError) in
      try CurveKeyFile.read(path, dataDirectory: options.dataDirectory)
    }
    clients = try options.keyFile.map { path throws(ConfigurationError) in try KeyWatch(path) }
  }
}
