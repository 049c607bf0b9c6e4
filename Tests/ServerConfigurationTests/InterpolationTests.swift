/// `${NAME}` and `${NAME:default}`.
import Testing

@testable import Server

@Suite("Variables in the file")
struct InterpolationTests {
  private static let environment = ["NAME": "value", "EMPTY": "", "_X9": "x", "NESTED": "${NAME}", "lower": "l"]

  @Test(
    "A reference is replaced by what the variable holds",
    arguments: [
      ("${NAME}", "value"), ("a${NAME}b", "avalueb"), ("${NAME}${_X9}", "valuex"), ("${NAME:other}", "value"),
      ("${NONE:other}", "other"), ("${NONE:}", ""), ("${EMPTY}", ""), ("${EMPTY:other}", "other"),
      ("${NONE:a:b}", "a:b"), ("${NESTED}", "${NAME}"), ("${lower}", "l"),
    ])
  func replaced(text: String, expected: String) throws {
    let outcome = try Interpolation.resolve(text, with: EnvironmentVariables(Self.environment))
    #expect(outcome == Interpolation.Outcome(text: expected, isReplaced: true))
  }

  @Test(
    "What is no reference stays as it is",
    arguments: [
      ("", ""), ("plain", "plain"), ("$", "$"), ("$$", "$$"), ("$NAME", "$NAME"), ("a$b", "a$b"),
      ("$${NAME}", "${NAME}"),
      ("}", "}"), ("{NAME}", "{NAME}"),
    ])
  func untouched(text: String, expected: String) throws {
    let outcome = try Interpolation.resolve(text, with: EnvironmentVariables(Self.environment))
    #expect(outcome == Interpolation.Outcome(text: expected, isReplaced: false))
  }

  @Test(
    "A reference that can not be replaced is an error that names the line",
    arguments: [
      ("${NONE}", "the variable NONE is not set"), ("${", "${ without a closing brace"),
      ("x${NAME", "${ without a closing brace"), ("${}", "is not the name of a variable"),
      ("${9X}", "is not the name of a variable"), ("${A B}", "is not the name of a variable"),
      ("${:x}", "is not the name of a variable"), ("${ä}", "is not the name of a variable"),
    ])
  func refused(text: String, expected: String) throws {
    let error = try Workshop().error(in: "# one\n\nstorage:\n  data_dir: '\(text)'\n", environment: Self.environment)
    #expect(error.message.hasPrefix("hub.yaml:4: storage.data_dir: "))
    #expect(error.message.contains(expected))
    #expect(error.exitCode == 78)
  }

  @Test("Every scalar may hold a reference, whatever its type, in quotes or without")
  func everywhere() throws {
    let text = """
      server:
        zmq_port: ${PORT}
        grpc_port: "${GRPC:auto}"
        metrics_port: ${METRICS:0}
      storage:
        segment_bytes: "${MIB:32} MiB"
      security:
        allow_anonymous: "${ANYBODY:true}"
      """
    let configuration = try Workshop().load(text, environment: ["PORT": "4001"]).configuration
    #expect(configuration.server.zmqPort == .number(4001))
    #expect(configuration.server.grpcPort == .automatic)
    #expect(configuration.server.metricsPort == .off)
    #expect(configuration.storage.segmentBytes == 32 << 20)
    #expect(configuration.security.allowAnonymous)
  }

  @Test("What a variable holds is checked like what the file says")
  func checked() throws {
    let error = try Workshop().error(in: "server:\n  zmq_port: ${PORT}\n", environment: ["PORT": "many"])
    #expect(error.message == "hub.yaml:2: server.zmq_port: expected \(SettingKind.port.expectation), found \"many\"")
  }
}
