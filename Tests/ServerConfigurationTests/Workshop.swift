/// Configuration files in a directory that lasts as long as one test.
import Glibc
import Testing

@testable import Server

final class Workshop {
  let directory: String

  init() throws {
    var template = Array("/tmp/mfh-configuration-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil, "no temporary directory: errno \(errno)")
    directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    if let listing = opendir(directory) {
      while let entry = readdir(listing) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        unlink("\(directory)/\(name)")
      }
      closedir(listing)
    }
    rmdir(directory)
  }

  /// Writes a file and returns its path.
  @discardableResult
  func file(_ text: String, name: String = "hub.yaml") throws -> String { try file(Array(text.utf8), name: name) }

  @discardableResult
  func file(_ bytes: [UInt8], name: String = "hub.yaml") throws -> String {
    let path = "\(directory)/\(name)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    try #require(write(descriptor, bytes, bytes.count) == bytes.count)
    return path
  }

  /// Loads `text` as the configuration file.
  func load(
    _ text: String, environment: [String: String] = [:], flags: (inout ServerFlags) -> Void = { _ in }
  ) throws -> EffectiveConfiguration {
    var given = ServerFlags()
    given.config = try file(text)
    flags(&given)
    return try load(given, environment: environment)
  }

  func load(
    _ flags: ServerFlags, environment: [String: String] = [:], hostName: String = "some-host"
  ) throws -> EffectiveConfiguration {
    try ConfigurationLoader(environment: EnvironmentVariables(environment), hostName: hostName).load(flags)
  }

  /// The error that `text` as the configuration file gives, with the directory left out.
  func error(in text: String, environment: [String: String] = [:]) throws -> ConfigurationError {
    try error { try load(text, environment: environment) }
  }

  func error(_ body: () throws -> EffectiveConfiguration) throws -> ConfigurationError {
    let thrown = try #require(throws: ConfigurationError.self) { _ = try body() }
    return ConfigurationError(thrown.message.replacing(directory + "/", with: ""), exitCode: thrown.exitCode)
  }
}
