/// `mfh keys curve`.
internal import Access
internal import ArgumentParser
internal import Programs

struct KeysCurve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "curve",
    abstract: "Makes a pair of CURVE keys, for a hub or for a client.",
    usage: "mfh keys curve <file>",
    discussion: """
      FILE is the secret half, for its owner alone; FILE.pub the public one, which may be given to everybody. A hub names \
      its FILE with security.curve_key_file, outside of the store. A client makes its own where it runs, and only its \
      FILE.pub travels. pyzmq reads both (zmq.auth.load_certificate).

      Examples:
        mfh keys curve /etc/mfh/hub.curve
        mfh keys curve planner.curve
      """)

  @Argument(help: "The file of the secret half; one that is there stays as it is.")
  var file: String

  func run() throws {
    let pair = CurveKeyPair.random()
    try SavedText.createSecret(CurveCertificate.secretText(pair), at: file)
    try SavedText.replace(CurveCertificate.publicText(pair.publicKey), at: file + ".pub")
    print(pair.publicKey.description)
  }
}
