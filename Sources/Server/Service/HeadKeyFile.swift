/// The file with the key that signs heads. It lies outside of the store: whoever can write the store must not be able to
/// sign a head for what he made of it.
internal import Glibc
internal import HistoryTree

enum HeadKeyFile {
  private static let bytesMax = 4_096

  /// - Throws: `ConfigurationError` when the key can not be read, others can read it, or it lies in the store.
  static func read(_ path: String, dataDirectory: String) throws(ConfigurationError) -> SignerKey {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw refusal(path, "\(String(cString: strerror(errno))); mfh keys --create makes one")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw refusal(path, "it is not a file")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw refusal(path, "others can read or write it: chmod 600 \(path)")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw refusal(path, "it belongs to another user: whoever owns it can change it")
    }
    if isInside(path, dataDirectory) {
      throw refusal(path, "it lies in the store: whoever can write there could sign what he likes; move it elsewhere")
    }
    var bytes = [UInt8](repeating: 0, count: bytesMax)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    guard count >= 0 else { throw refusal(path, String(cString: strerror(errno))) }
    guard let text = String(validating: bytes[..<count], as: UTF8.self), let key = SignerKey(text: text) else {
      throw refusal(path, "it holds no key that mfh keys --create has made")
    }
    return key
  }

  private static func refusal(_ path: String, _ problem: String) -> ConfigurationError {
    ConfigurationError("security.head_key_file \(path): \(problem)")
  }

  private static func isInside(_ path: String, _ directory: String) -> Bool {
    guard let file = real(path), let store = real(directory) else { return false }
    return file.hasPrefix(store.hasSuffix("/") ? store : store + "/")
  }

  private static func real(_ path: String) -> String? {
    guard let found = realpath(path, nil) else { return nil }
    defer { free(found) }
    return String(cString: found)
  }
}
