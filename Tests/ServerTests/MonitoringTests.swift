/// What the pages say in every phase, whatever the loop has told; and the text of metrics.
import Bytes
import Foundation
import LogStore
import Testing
import Threads

@testable import Server

@Suite struct MonitoringTests {
  static let phases: [Lifecycle.Phase] = [.starting, .opening, .replaying, .serving, .stopping, .stopped]

  private func figures() throws -> HubFigures {
    let hub = try HubFixture()
    let told = Monitor<HubFigures?>(nil)
    #expect(hub.gate.observe { figures in told.with(waking: true) { $0 = figures } } == nil)
    let figures = try #require(told.wait(milliseconds: 20_000) { $0 })
    #expect(hub.stop() == nil)
    return figures
  }

  @Test("Ready is a hub that serves, whose loop answers and whose log has not failed, and no other", arguments: phases)
  func readiness(_ phase: Lifecycle.Phase) throws {
    var failed = try figures()
    let sound = failed
    failed.report.failure = LogError(.poisoned, "fdatasync: EIO")
    let pages = MonitoringPages(lifecycle: Lifecycle(), keys: nil, edges: { [] })
    pages.lifecycle.enter(phase)
    for (told, isReady) in [
      (MonitoringPages.Told.figures(sound), phase == .serving), (.figures(failed), false), (.absent, false),
      (.silent, false),
    ] {
      let reply = pages.reply(.readyz, told)
      let text = String(decoding: reply.body, as: UTF8.self)
      #expect(reply.status == (isReady ? 200 : 503), "\(phase) \(text)")
      #expect(text.contains(#""reasons":[]"#) == isReady && text.contains(#""ready":\#(isReady)"#))
      #expect(pages.reply(.livez, told).status == 200)
    }
    #expect(pages.reply(.health, .figures(sound)).status == 200)
    #expect(pages.reply(.health, .figures(failed)).status == 503)
    for told in [MonitoringPages.Told.absent, .silent] {
      let reply = pages.reply(.health, told)
      let health = try #require(try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any])
      #expect(reply.status == 503 && health["status"] as? String == "unhealthy")
    }
  }

  @Test("Phases only go forward")
  func forward() {
    for first in Self.phases {
      for second in Self.phases {
        let lifecycle = Lifecycle()
        lifecycle.enter(first)
        lifecycle.enter(second)
        let later = Self.phases.firstIndex(of: first)! > Self.phases.firstIndex(of: second)! ? first : second
        #expect(lifecycle.phase == later)
      }
    }
  }

  @Test("The page has the figures only when the loop has told them, and is never without the process's own")
  func page() throws {
    let told = try figures()
    func text(_ figures: HubFigures?) -> String {
      let page = MetricsPage(
        phase: .serving, uptime: .seconds(1), figures: figures,
        edges: [("http", EdgeFigures(connections: 2, gaveWay: 0, timedOut: 0))])
      return String(decoding: page.text(), as: UTF8.self)
    }
    #expect(text(told).contains("mfh_ready{phase=\"serving\"} 1\n") && text(told).contains("mfh_index_keys 0\n"))
    #expect(text(nil).contains("mfh_ready{phase=\"serving\"} 0\n") && !text(nil).contains("mfh_index_keys"))
    #expect(text(nil).contains("mfh_active_connections{connection_type=\"http\"} 2\n"))
    #expect(text(nil).contains("mfh_uptime_seconds 1\n"))
  }

  @Test("Seconds are exact and short")
  func seconds() {
    for (microseconds, text) in [
      (0, "0"), (1, "0.000001"), (100, "0.0001"), (250, "0.00025"), (1_000_000, "1"), (2_500_000, "2.5"),
      (10_000_000, "10"), (1_000_001, "1.000001"), (9_223_372_036_854_775_807, "9223372036854.775807"),
    ] as [(Int64, String)] {
      #expect(MetricsText.text(microseconds, true) == text)
      #expect(MetricsText.text(microseconds, false) == String(microseconds))
    }
  }

  @Test("A histogram puts each value where it belongs, at the bounds too, and its text adds up")
  func histogram() {
    var histogram = Histogram(bounds: [100, 250])
    for value in [-5, 0, 1, 100, 101, 250, 251, 1_000_000] as [Int64] { histogram.record(value) }
    #expect(histogram.counts == [4, 2, 2] && histogram.total == 8 && histogram.sum == 1_000_703)
    var text = MetricsText()
    text.begin("mfh_x_seconds", .histogram, "Help.")
    text.histogram([("operation", "a\"b\\c\nd")], histogram, inSeconds: true)
    #expect(
      Self.string(text) == #"""
        # HELP mfh_x_seconds Help.
        # TYPE mfh_x_seconds histogram
        mfh_x_seconds_bucket{operation="a\"b\\c\nd",le="0.0001"} 4
        mfh_x_seconds_bucket{operation="a\"b\\c\nd",le="0.00025"} 6
        mfh_x_seconds_bucket{operation="a\"b\\c\nd",le="+Inf"} 8
        mfh_x_seconds_sum{operation="a\"b\\c\nd"} 1.000703
        mfh_x_seconds_count{operation="a\"b\\c\nd"} 8

        """#)
  }

  private static func string(_ text: borrowing MetricsText) -> String { text.text.bytes.text() }

  @Test("The ready line names what is there, and nothing else")
  func readyLine() {
    #expect(ReadyAddresses().line == "ready")
    #expect(ReadyAddresses(zeroMQ: "z", grpc: "g", http: "h").line == "ready zmq=z grpc=g http=h")
    #expect(ReadyAddresses(http: "h").line == "ready http=h")
  }
}
