/// Prints reports: a table for people, or one JSON object a line.
internal import ArgumentParser
internal import Bytes
internal import Glibc
internal import JSONText

enum ReportFormat: String, ExpressibleByArgument, CaseIterable { case table, json }

struct ReportPrinter {
  private let format: ReportFormat
  private var hasHead = false

  private static let percentiles: [(name: StaticString, value: Double)] = [
    ("p50_us", 50), ("p95_us", 95), ("p99_us", 99), ("p99_9_us", 99.9),
  ]

  init(_ format: ReportFormat) { self.format = format }

  /// One line for each operation that was in the load.
  mutating func print(_ load: Load, _ report: LoadReport) {
    var text = ByteBuffer()
    if format == .table, !hasHead { appendHead(to: &text) }
    hasHead = true
    for operation in Operation.allCases where report.count(of: operation) > 0 {
      switch format {
      case .table: appendRow(load, report, operation, to: &text)
      case .json: appendObject(load, report, operation, to: &text)
      }
    }
    if format == .table {
      for (code, count) in report.errors.sorted(by: { $0.key < $1.key }) {
        text.append(text: "  errors: \(count) x \(code)\n")
      }
    }
    // Not print: its buffer would keep the line from a reader that waits for it.
    text.bytes.withUnsafeBytes { _ = write(STDOUT_FILENO, $0.baseAddress, $0.count) }
  }

  // MARK: Table

  private func appendHead(to text: inout ByteBuffer) {
    let names = ["requests/s", "p50 us", "p95 us", "p99 us", "p99.9 us", "max us", "requests", "errors"]
    text.append(text: ReportPrinter.padded("load", 24, right: false))
    text.append(text: ReportPrinter.padded("operation", 10, right: false))
    for name in names { text.append(text: ReportPrinter.padded(name, 12)) }
    text.append("\n")
  }

  private func appendRow(
    _ load: Load, _ report: LoadReport, _ operation: Operation, to text: inout ByteBuffer
  ) {
    let share = Double(report.count(of: operation)) / report.seconds
    text.append(text: ReportPrinter.padded(load.name, 24, right: false))
    text.append(text: ReportPrinter.padded("\(operation.name)", 10, right: false))
    text.append(text: ReportPrinter.padded("\(Int(share.rounded()))", 12))
    for percentile in ReportPrinter.percentiles {
      let figure = report.microseconds(operation, percentile: percentile.value)
      text.append(text: ReportPrinter.padded(ReportPrinter.decimal(figure), 12))
    }
    text.append(text: ReportPrinter.padded(ReportPrinter.decimal(report.microsecondsMax(operation)), 12))
    text.append(text: ReportPrinter.padded("\(report.count(of: operation))", 12))
    text.append(text: ReportPrinter.padded("\(report.errorCount)", 12))
    text.append("\n")
  }

  private static func padded(_ value: String, _ width: Int, right: Bool = true) -> String {
    let space = String(repeating: " ", count: max(right ? 0 : 1, width - value.utf8.count))
    return right ? space + value : value + space
  }

  /// One digit behind the point.
  private static func decimal(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  // MARK: JSON

  private func appendObject(
    _ load: Load, _ report: LoadReport, _ operation: Operation, to text: inout ByteBuffer
  ) {
    let count = report.count(of: operation)
    text.append(#"{"load":"#)
    JSONWriter.appendString(text: load.name, to: &text)
    text.append(text: #","operation":"\#(operation.name)","connections":\#(load.connections)"#)
    text.append(text: #","in_flight":\#(load.inFlight)"#)
    if let rate = load.rate { text.append(text: #","rate":\#(ReportPrinter.decimal(rate))"#) }
    text.append(text: #","seconds":\#(ReportPrinter.decimal(report.seconds)),"requests":\#(count)"#)
    text.append(text: #","per_second":\#(ReportPrinter.decimal(Double(count) / report.seconds))"#)
    for percentile in ReportPrinter.percentiles {
      let figure = report.microseconds(operation, percentile: percentile.value)
      text.append(text: #","\#(percentile.name)":\#(ReportPrinter.decimal(figure))"#)
    }
    text.append(text: #","max_us":\#(ReportPrinter.decimal(report.microsecondsMax(operation)))"#)
    text.append(text: #","errors":\#(report.errorCount),"errors_by_code":{"#)
    for (place, error) in report.errors.sorted(by: { $0.key < $1.key }).enumerated() {
      if place > 0 { text.append(",") }
      JSONWriter.appendString(text: error.key, to: &text)
      text.append(text: ":\(error.value)")
    }
    text.append("}}\n")
  }
}
