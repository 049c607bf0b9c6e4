/// Reads a file that security rests on, if nobody else can have had a hand in it.
internal import Glibc

struct ProtectedFile {
  let setting: String
  let path: String
  /// How one is made.
  let advice: String
  /// Whether reading it would be enough to do harm.
  let isSecret: Bool
  /// A secret does not lie where the hub's data lie, which are copied to other places.
  var storeDirectory: String?

  /// - Throws: `ConfigurationError` when it can not be read, or others can read or change it.
  func read(bytesMax: Int) throws(ConfigurationError) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw refusal("\(String(cString: strerror(errno))); \(advice)") }
    defer { close(descriptor) }
    try check(descriptor)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw refusal(String(cString: strerror(errno))) }
      if count == 0 { break }
      bytes += chunk[..<count]
      guard bytes.count <= bytesMax else { throw refusal("it has more than \(bytesMax) bytes") }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw refusal("its text is not UTF-8") }
    return text
  }

  private func check(_ descriptor: Int32) throws(ConfigurationError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw refusal("it is not a file") }
    guard status.st_mode & (isSecret ? 0o077 : 0o027) == 0 else {
      throw refusal("others can read or write it: chmod \(isSecret ? "600" : "640") \(path)")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw refusal("it belongs to another user: whoever owns it can change it")
    }
    if let storeDirectory, isInside(storeDirectory) {
      throw refusal(
        "it lies in the store: whoever can write there, or has a copy of it, would have the key; move it elsewhere")
    }
  }

  func refusal(_ problem: String) -> ConfigurationError { ConfigurationError("\(setting) \(path): \(problem)") }

  private func isInside(_ directory: String) -> Bool {
    guard let file = ProtectedFile.real(path), let store = ProtectedFile.real(directory) else { return false }
    return file.hasPrefix(store.hasSuffix("/") ? store : store + "/")
  }

  private static func real(_ path: String) -> String? {
    guard let found = realpath(path, nil) else { return nil }
    defer { free(found) }
    return String(cString: found)
  }
}
