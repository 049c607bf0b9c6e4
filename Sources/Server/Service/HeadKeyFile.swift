/// The file with the key that signs heads. It lies outside of the store: whoever can write the store must not be able to
/// sign a head for what he made of it.
internal import HistoryTree

enum HeadKeyFile {
  private static let bytesMax = 4_096

  /// - Throws: `ConfigurationError` when the key can not be read, others can read it, or it lies in the store.
  static func read(_ path: String, dataDirectory: String) throws(ConfigurationError) -> SignerKey {
    let file = ProtectedFile(
      setting: "security.head_key_file", path: path, advice: "mfh keys head --create makes one", isSecret: true,
      storeDirectory: dataDirectory)
    guard let key = SignerKey(text: try file.read(bytesMax: bytesMax)) else {
      throw file.refusal("it holds no key that mfh keys head --create has made")
    }
    return key
  }
}
