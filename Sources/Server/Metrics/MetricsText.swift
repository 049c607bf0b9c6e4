/// Writes metrics as Prometheus reads them (text format 0.0.4).
internal import Bytes
internal import LogStore

struct MetricsText: ~Copyable {
  enum Kind: String {
    case counter, gauge, histogram
    /// For a name of the contract that the rules for names would keep for another kind.
    case untyped
  }

  typealias Label = (name: StaticString, value: String)

  private(set) var text = ByteBuffer(capacity: 32 << 10)
  private var name: StaticString = ""

  /// Begins a metric: what follows are its samples.
  mutating func begin(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
    self.name = name
    text.append("# HELP ")
    text.append(name)
    text.append(" ")
    text.append(help)
    text.append("\n# TYPE ")
    text.append(name)
    text.append(" ")
    text.append(text: kind.rawValue)
    text.append("\n")
  }

  mutating func sample(_ labels: [Label] = [], _ value: UInt64) {
    text.append(name)
    append(labels)
    text.append(" ")
    text.append(decimal: value)
    text.append("\n")
  }

  mutating func sample(_ labels: [Label] = [], _ value: Int) { sample(labels, UInt64(max(0, value))) }

  mutating func sample(_ labels: [Label] = [], seconds microseconds: Int64) {
    text.append(name)
    append(labels)
    text.append(" ")
    append(seconds: microseconds)
    text.append("\n")
  }

  /// A metric with one sample.
  mutating func gauge(_ name: StaticString, _ help: StaticString, _ value: Int) {
    begin(name, .gauge, help)
    sample([], value)
  }

  mutating func counter(_ name: StaticString, _ help: StaticString, _ value: UInt64) {
    begin(name, .counter, help)
    sample([], value)
  }

  /// The samples of one histogram. `inSeconds`: its values are microseconds.
  mutating func histogram(_ labels: [Label], _ histogram: Histogram, inSeconds: Bool) {
    var sum: UInt64 = 0
    for (bucket, count) in histogram.counts.enumerated() {
      sum += count
      text.append(name)
      text.append("_bucket")
      let bound = bucket < histogram.bounds.count ? histogram.bounds[bucket] : nil
      append(labels + [("le", bound.map { MetricsText.text($0, inSeconds) } ?? "+Inf")])
      text.append(" ")
      text.append(decimal: sum)
      text.append("\n")
    }
    text.append(name)
    text.append("_sum")
    append(labels)
    text.append(" ")
    text.append(text: MetricsText.text(histogram.sum, inSeconds))
    text.append("\n")
    text.append(name)
    text.append("_count")
    append(labels)
    text.append(" ")
    text.append(decimal: sum)
    text.append("\n")
  }

  private mutating func append(_ labels: [Label]) {
    guard !labels.isEmpty else { return }
    for (index, label) in labels.enumerated() {
      text.append(index == 0 ? "{" : ",")
      text.append(label.name)
      text.append("=\"")
      for byte in label.value.utf8 {
        switch byte {
        case UInt8(ascii: "\\"): text.append("\\\\")
        case UInt8(ascii: "\""): text.append("\\\"")
        case 0x0A: text.append("\\n")
        default: text.append(byte)
        }
      }
      text.append("\"")
    }
    text.append("}")
  }

  private mutating func append(seconds microseconds: Int64) { text.append(text: MetricsText.text(microseconds, true)) }

  /// Seconds from microseconds without a `Double`: exactly, and as short as it can be.
  static func text(_ value: Int64, _ inSeconds: Bool) -> String {
    guard inSeconds else { return String(value) }
    let fraction = String(1_000_000 + value % 1_000_000).dropFirst()
    guard let last = fraction.lastIndex(where: { $0 != "0" }) else { return String(value / 1_000_000) }
    return "\(value / 1_000_000).\(fraction[...last])"
  }
}
