/// Every way in which a configuration can be wrong, with the line that the error names.
import Glibc
import Testing

@testable import Server

@Suite("Wrong configurations")
struct ConfigurationErrorTests {
  @Test(
    "A wrong file is refused with file, line and what was expected",
    arguments: [
      // Keys
      ("servr:\n", 1, "unknown key \"servr\" in the file (did you mean server?)"),
      ("server:\n  zmq_prot: 1\n", 2, "unknown key \"zmq_prot\" in server (did you mean zmq_port?)"),
      ("\n\nzmq_port: 1\n", 3, "unknown key \"zmq_port\" in the file (did you mean server.zmq_port?)"),
      ("storage:\n  x: 1\n", 2, "unknown key \"x\" in storage: expected data_dir, durability"),
      ("resilience:\n  bulkhead:\n    max_conurrent: 1\n", 3, "(did you mean max_concurrent?)"),
      ("server.zmq_port: 1\n", 1, "unknown key \"server.zmq_port\""),
      ("'':\n", 1, "unknown key \"\""),
      ("? [a]\n: b\n", 1, "expected a name, found a list"),
      ("server: {}\nlogging: {}\nserver: {}\n", 1, "given twice in one mapping: \"server\""),
      ("server:\n  bind: a\n  bind: b\n", 2, "given twice in one mapping: \"bind\""),
      // Types
      ("server: 5\n", 1, "server: expected a mapping of bind, zmq_port"),
      ("server:\n - a\n", 2, "server: expected a mapping of bind, zmq_port"),
      ("[]\n", 1, "the file: expected a mapping of server, storage"),
      ("hello\n", 1, "the file: expected a mapping"),
      ("server:\n  bind: {}\n", 2, "server.bind: expected an IPv4 or IPv6 address"),
      ("server:\n  bind: []\n", 2, "server.bind: expected an IPv4 or IPv6 address"),
      ("server:\n  bind:\n  zmq_port: 1\n", 2, "found nothing"),
      ("server:\n  bind: 5\n", 2, "found the number 5"),
      ("storage:\n  data_dir: true\n", 2, "found the boolean true (put a string in quotes)"),
      ("storage:\n  data_dir: 1e3\n", 2, "found the number 1e3"),
      ("storage:\n  data_dir: ''\n", 2, "expected a path"),
      ("server:\n  zmq_port: \"4001\"\n", 2, "found the string \"4001\""),
      ("server:\n  zmq_port: true\n", 2, "found the boolean true"),
      ("security:\n  allow_anonymous: yes\n", 2, "expected true or false"),
      ("security:\n  allow_anonymous: 'true'\n", 2, "expected true or false, found the string \"true\""),
      ("security:\n  allow_anonymous: 1\n", 2, "expected true or false, found the number 1"),
      ("logging:\n  level:\n", 2, "found nothing"),
      // Ranges
      ("server:\n  zmq_port: 65536\n", 2, "expected a port: 1 to 65535, 0 for off, or auto"),
      ("server:\n  zmq_port: -1\n", 2, "expected a port"),
      ("server:\n  zmq_port: +80\n", 2, "expected a port"),
      ("server:\n  zmq_port: 80.0\n", 2, "expected a port"),
      ("server:\n  max_workers: 0\n", 2, "expected a whole number from 1 to 256"),
      ("server:\n  max_workers: 257\n", 2, "expected a whole number from 1 to 256"),
      ("server:\n  max_workers: 99999999999999999999\n", 2, "expected a whole number"),
      ("storage:\n  interval_ms: 0\n", 2, "expected a whole number from 1 to 60000"),
      ("storage:\n  interval_ms: 60001\n", 2, "expected a whole number from 1 to 60000"),
      ("storage:\n  interval_ms: 5 s\n", 2, "expected a whole number from 1 to 60000"),
      ("storage:\n  segment_bytes: 16777215\n", 2, "expected a size from 16 MiB to 120 MiB"),
      ("storage:\n  segment_bytes: 129 MiB\n", 2, "expected a size from 16 MiB to 120 MiB"),
      ("storage:\n  segment_bytes: 64 MB\n", 2, "expected a size from 16 MiB to 120 MiB"),
      ("storage:\n  segment_bytes: 9000000000 GiB\n", 2, "expected a size"),
      ("limits:\n  key_bytes: 1025\n", 2, "expected a size from 1 to 1 KiB"),
      ("limits:\n  item_bytes: 2 MiB\n", 2, "expected a size from 1 KiB to 2040 KiB"),
      ("resilience:\n  circuit_breaker:\n    reset_timeout: 0\n", 3, "expected a time from 1 to 86400 seconds"),
      ("resilience:\n  circuit_breaker:\n    reset_timeout: 25h\n", 3, "expected a time from 1 to 86400 seconds"),
      // Words
      (
        "storage:\n  durability: fsnyc\n", 2,
        "expected one of fsync, interval, none, found \"fsnyc\" (did you mean fsync?)"
      ),
      ("logging:\n  level: loud\n", 2, "expected one of trace, debug, info"),
      ("server:\n  bind: example.org\n", 2, "host names are not looked up"),
      ("server:\n  bind: 127.0.0.1:80\n", 2, "host names are not looked up"),
      ("storage:\n  compression: gzip\n", 2, "expected one of zstd, none, found \"gzip\""),
      // Between settings
      ("server:\n  zmq_port: 8080\n", 2, "server.zmq_port and server.metrics_port are both 8080"),
      ("limits:\n  item_bytes: 1 MiB\n  reply_bytes: 64 KiB\n", 3, "is less than limits.item_bytes"),
      ("limits:\n  request_bytes: 8192\n", 2, "is less than limits.item_bytes"),
      ("#\nserver:\n  bind: 10.0.0.1\n", 3, "10.0.0.1 is not a loopback address, and no API key is set"),
      ("security:\n  curve_key_file: a\n", 2, "security.curve_key_file needs security.key_file"),
    ])
  func wrong(text: String, line: Int, expected: String) throws {
    let error = try Workshop().error(in: text)
    #expect(error.message.hasPrefix("hub.yaml:\(line): "), "\(error.message)")
    #expect(error.message.contains(expected), "\(error.message)")
    #expect(error.exitCode == 78)
    #expect(!error.message.contains("\n"))
  }

  @Test(
    "What only later versions act on is refused, not ignored",
    arguments: [
      ("storage:\n  durability: replicated\n", 2, "replicated is not supported by this version"),
      ("storage:\n  encryption: {}\n", 2, "storage.encryption is not supported by this version"),
      ("replication:\n  peers: []\n", 2, "replication.peers is not supported by this version"),
      ("security:\n  curve: {}\n", 2, "security.curve is not supported by this version"),
      ("security:\n  roles: []\n", 2, "security.roles is not supported by this version"),
    ])
  func later(text: String, line: Int, expected: String) throws {
    let error = try Workshop().error(in: text)
    #expect(error.message.hasPrefix("hub.yaml:\(line): "), "\(error.message)")
    #expect(error.message.contains(expected), "\(error.message)")
    #expect(error.exitCode == 78)
  }

  @Test(
    "A certificate needs its key, a key its certificate, a client CA both",
    arguments: [
      ("certificate: a", "security.tls.certificate needs security.tls.key"),
      ("key: a", "security.tls.key needs security.tls.certificate"),
      ("client_ca: a", "security.tls.client_ca needs security.tls.certificate"),
    ])
  func halfTLS(line: String, expected: String) throws {
    let error = try Workshop().error(in: "security:\n  tls:\n    \(line)\n")
    #expect(error.message.hasPrefix("hub.yaml:3: ") && error.message.contains(expected), "\(error.message)")
    #expect(error.exitCode == 78)
  }

  @Test("A wrong value is an error even where a flag overrides it")
  func overridden() throws {
    let workshop = try Workshop()
    let error = try workshop.error { try workshop.load("server:\n  zmq_port: x\n") { $0.zmqPort = "1" } }
    #expect(error.message.hasPrefix("hub.yaml:2: "))
  }

  @Test("A wrong variable is named, and a wrong flag is a usage error")
  func outsideOfTheFile() throws {
    let workshop = try Workshop()
    let ofVariable = try workshop.error { try workshop.load(ServerFlags(), environment: ["MFH_ZMQ_PORT": "x"]) }
    #expect(ofVariable.message.hasPrefix("environment variable MFH_ZMQ_PORT: expected a port"))
    #expect(ofVariable.exitCode == 78)
    var flags = ServerFlags()
    flags.durability = "always"
    let ofFlag = try workshop.error { try workshop.load(flags) }
    #expect(ofFlag.message.hasPrefix("--durability: expected one of fsync, interval, none"))
    #expect(ofFlag.exitCode == 64)
  }

  @Test("A file that does not exist or can not be read is named")
  func missing() throws {
    let workshop = try Workshop()
    var flags = ServerFlags()
    flags.config = workshop.directory + "/none.yaml"
    let missing = try workshop.error { try workshop.load(flags) }
    #expect(missing.message == "--config: \"none.yaml\" does not exist: give the path of a YAML file")
    #expect(missing.exitCode == 66)
    flags.config = workshop.directory
    let directory = try #require(throws: ConfigurationError.self) { _ = try workshop.load(flags) }
    #expect(directory.message.contains("can not be read"))
  }

  @Test(
    "An address that others can reach needs a key, or the word that it needs none",
    arguments: [
      "0.0.0.0", "*", "192.168.1.5", "::", "[::]", "fe80::1", "128.0.0.1", "::ffff:10.0.0.1", "126.255.255.255",
    ])
  func reachable(address: String) throws {
    let workshop = try Workshop()
    var flags = ServerFlags()
    flags.bind = address
    #expect(try workshop.error { try workshop.load(flags) }.exitCode == 78)
    #expect(try workshop.load(flags, environment: ["MFH_API_KEY": "k"]).configuration.security.apiKey != nil)
    #expect(try workshop.load(flags, environment: ["MFH_KEY_FILE": "k"]).configuration.security.keyFile == "k")
    flags.config = try workshop.file("security: {allow_anonymous: true}")
    #expect(try workshop.load(flags).configuration.security.allowAnonymous)
  }
}
