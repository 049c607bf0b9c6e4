/// The file with the hub's own CURVE key. It lies outside of the store, and nobody else may read it.
internal import Access

enum CurveKeyFile {
  private static let bytesMax = 4_096

  static func read(_ path: String, dataDirectory: String) throws(ConfigurationError) -> CurveKeyPair {
    let file = ProtectedFile(
      setting: "security.curve_key_file", path: path, advice: "mfh keys curve \(path) makes one", isSecret: true,
      storeDirectory: dataDirectory)
    guard let pair = CurveCertificate.pair(in: try file.read(bytesMax: bytesMax)) else {
      throw file.refusal("it holds no secret key that mfh keys curve has made")
    }
    return pair
  }
}
