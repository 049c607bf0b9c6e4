/// `--check-config`: what it shows, what it hides, and that it can be read again.
import Testing

@testable import Server

@Suite("The effective configuration as text")
struct RenderingTests {
  @Test("Each value bears a comment that says where it came from")
  func origins() throws {
    let workshop = try Workshop()
    let effective = try workshop.load("server:\n  zmq_port: 4001\n", environment: ["MFH_LOG_LEVEL": "debug"]) {
      $0.grpcPort = "auto"
    }
    let lines = effective.rendered().split(separator: "\n")
    #expect(lines.contains("  zmq_port: 4001  # \(workshop.directory)/hub.yaml:2"))
    #expect(lines.contains("  grpc_port: auto  # flag --grpc-port"))
    #expect(lines.contains("  level: \"debug\"  # environment MFH_LOG_LEVEL"))
    #expect(lines.contains("  metrics_port: 8080  # default"))
    #expect(lines.contains("  # api_key: not set"))
  }

  @Test("A secret is shown as a mask, whichever way it came", arguments: ["file", "environment", "reference"])
  func masking(way: String) throws {
    let workshop = try Workshop()
    let effective =
      switch way {
      case "file": try workshop.load("security: {api_key: open-sesame}")
      case "environment": try workshop.load("", environment: ["MFH_API_KEY": "open-sesame"])
      default: try workshop.load("security: {api_key: '${K}'}", environment: ["K": "open-sesame"])
      }
    let text = effective.rendered()
    #expect(!text.contains("sesame"))
    #expect(text.contains("  api_key: \"********\"  # masked, "))
    var dumped = ""
    dump(effective.configuration, to: &dumped)
    #expect(!dumped.contains("sesame"))
  }

  @Test("A wrong secret is not repeated in the error", arguments: ["open sesame", "open-sésame", "123456789", ""])
  func wrongSecret(key: String) throws {
    let workshop = try Workshop()
    let error = try workshop.error(in: "security:\n  api_key: \(key)\n")
    #expect(error.message.hasPrefix("hub.yaml:2: security.api_key: expected a string of 1 to 256 visible ASCII"))
    #expect(key.isEmpty || !error.message.contains(key))
  }

  @Test("A key from the environment that is empty is refused, not taken for none")
  func emptyKey() throws {
    let workshop = try Workshop()
    let error = try workshop.error { try workshop.load(ServerFlags(), environment: ["MFH_API_KEY": ""]) }
    #expect(error.message.hasPrefix("environment variable MFH_API_KEY: "))
  }

  @Test(
    "What was printed can be read again and gives the same",
    arguments: [
      "/plain", "/a b", "/it's \\\"quoted\\\"", "/$${HOME}/x", "/tab\\tnew\\nline", "/ü/雪/😀", "*", "/a # b",
      "\\x7f\\u0085",
    ])
  func roundTrip(directory: String) throws {
    let workshop = try Workshop()
    let first = try workshop.load(
      "storage: {data_dir: \"\(directory)\", segment_bytes: 32 MiB}\nlogging: {level: trace}")
    let second = try workshop.load(first.rendered())
    #expect(second.configuration.storage.dataDirectory == first.configuration.storage.dataDirectory)
    let withoutComments = { (text: String) in text.split(separator: "\n").map { $0.prefix { $0 != "#" } } }
    #expect(withoutComments(second.rendered()) == withoutComments(first.rendered()))
  }
}
