/// What a setting accepts, and how its text becomes a value.
internal import LogStore

enum SettingKind: Sendable {
  case address
  case path
  case port
  case integer(ClosedRange<Int>)
  /// A number of bytes, with or without KiB, MiB or GiB.
  case bytes(ClosedRange<Int>)
  /// A time in whole seconds, with or without s, m or h.
  case seconds(ClosedRange<Int>)
  case boolean
  case secret
  /// One of these words; `later` are words that later versions are going to know.
  case choice([String], later: [String])
  /// How much of the past is kept.
  case retention
}

enum SettingValue: Sendable, Equatable {
  case text(String)
  case integer(Int)
  case seconds(Int)
  case boolean(Bool)
  case port(ListenerPort)
  case secret(String)
}

/// A scalar as it was found.
struct ScalarText {
  enum Form: Equatable {
    /// Written in the file as it is: YAML says which type it has.
    case plain
    /// Written in the file in quotes: a string.
    case quoted
    /// From a variable or a flag: a text of any type.
    case free
  }

  let text: String
  let form: Form

  /// The YAML type that the text has, with its article; nil when it has none but the wanted one.
  var foundType: String {
    guard form == .plain else { return form == .quoted ? "the string " + shown : shown }
    if isNull { return "nothing" }
    if isBoolean { return "the boolean \(text)" }
    if isNumber { return "the number \(text)" }
    return shown
  }

  private var shown: String { PrintableText.quoted(text) }

  var isNull: Bool { form == .plain && ["", "~", "null", "Null", "NULL"].contains(text) }
  var isBoolean: Bool { ["true", "True", "TRUE", "false", "False", "FALSE"].contains(text) }

  var isNumber: Bool {
    guard let first = text.unicodeScalars.first, "+-.0123456789".unicodeScalars.contains(first) else { return false }
    return Double(text) != nil || Int(text) != nil
  }
}

extension SettingKind {
  /// The value of `scalar`.
  ///
  /// - Throws: What is wrong with it, without where it stands.
  func value(of scalar: ScalarText) throws(SettingRefusal) -> SettingValue {
    switch self {
    case .address: .text(try BindAddress.normalised(try string(scalar)))
    case .path: .text(try pathText(scalar))
    case .port: .port(try port(scalar))
    case .integer(let range): .integer(try number(scalar, in: range, units: []))
    case .bytes(let range): .integer(try number(scalar, in: range, units: SettingKind.byteUnits))
    case .seconds(let range): .seconds(try number(scalar, in: range, units: SettingKind.timeUnits))
    case .boolean: .boolean(try boolean(scalar))
    case .secret: .secret(try secretText(scalar))
    case .choice(let words, let later): .text(try word(scalar, of: words, later: later))
    case .retention: .text(try retentionText(scalar))
    }
  }

  /// What is accepted, for errors and help.
  var expectation: String {
    switch self {
    case .address: "an IPv4 or IPv6 address, localhost, or * for all of them"
    case .path: "a path"
    case .port: "a port: 1 to 65535, 0 for off, or auto"
    case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .bytes(let range):
      "a size from \(SettingKind.bytesText(range.lowerBound)) to \(SettingKind.bytesText(range.upperBound))"
    case .seconds(let range): "a time from \(range.lowerBound) to \(range.upperBound) seconds"
    case .boolean: "true or false"
    case .secret: "a string of 1 to 256 visible ASCII characters"
    case .choice(let words, _): words.count == 1 ? words[0] : "one of " + words.joined(separator: ", ")
    case .retention: RetentionPolicy.expectation
    }
  }

  private static let byteUnits = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
  private static let timeUnits = [("s", 1), ("m", 60), ("h", 3_600)]

  private static func bytesText(_ count: Int) -> String {
    for (name, factor) in byteUnits.reversed() where count % factor == 0 { return "\(count / factor) \(name)" }
    return "\(count)"
  }

  private func refuse(_ scalar: ScalarText) -> SettingRefusal {
    SettingRefusal("expected \(expectation), found \(scalar.foundType)")
  }

  private func string(_ scalar: ScalarText) throws(SettingRefusal) -> String {
    if scalar.form == .plain, scalar.isNull || scalar.isBoolean || scalar.isNumber {
      let advice = scalar.isNull ? "" : " (put a string in quotes)"
      throw SettingRefusal("expected \(expectation), found \(scalar.foundType)\(advice)")
    }
    return scalar.text
  }

  private func pathText(_ scalar: ScalarText) throws(SettingRefusal) -> String {
    let path = try string(scalar)
    guard !path.isEmpty, path.utf8.count <= 4_096, !path.utf8.contains(0) else { throw refuse(scalar) }
    return path
  }

  private func secretText(_ scalar: ScalarText) throws(SettingRefusal) -> String {
    // The text is not repeated: half a secret in a log is a secret in a log.
    let problem = SettingRefusal("expected \(expectation); the value is not shown because it is a secret")
    if scalar.form == .plain, scalar.isNull || scalar.isBoolean || scalar.isNumber { throw problem }
    let bytes = scalar.text.utf8
    guard !bytes.isEmpty, bytes.count <= 256, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw problem }
    return scalar.text
  }

  private func port(_ scalar: ScalarText) throws(SettingRefusal) -> ListenerPort {
    guard scalar.form != .quoted || scalar.text == "auto", let port = ListenerPort(scalar.text) else {
      throw refuse(scalar)
    }
    return port
  }

  private func boolean(_ scalar: ScalarText) throws(SettingRefusal) -> Bool {
    guard scalar.form != .quoted, scalar.isBoolean else { throw refuse(scalar) }
    return scalar.text.first == "t" || scalar.text.first == "T"
  }

  private func number(
    _ scalar: ScalarText, in range: ClosedRange<Int>, units: [(String, Int)]
  ) throws(SettingRefusal) -> Int {
    let digits = scalar.text.prefix { $0.isASCII && ($0.isNumber || $0 == "_") }
    let unit = scalar.text.dropFirst(digits.count).drop { $0 == " " }
    let factor = unit.isEmpty ? 1 : units.first { $0.0 == unit }?.1
    // A number in quotes is a string, but a number with a unit is text anyhow.
    guard scalar.form != .quoted || !unit.isEmpty, digits.first != "_", let factor,
      let number = Int(digits.filter { $0 != "_" })
    else { throw refuse(scalar) }
    let (value, overflow) = number.multipliedReportingOverflow(by: factor)
    guard !overflow, range.contains(value) else { throw refuse(scalar) }
    return value
  }

  private func word(
    _ scalar: ScalarText, of words: [String], later: [String]
  ) throws(SettingRefusal) -> String {
    if words.contains(scalar.text) { return scalar.text }
    if later.contains(scalar.text) {
      throw SettingRefusal("\(scalar.text) is not supported by this version: expected \(expectation)")
    }
    let near = NearestName.of(scalar.text, among: words).map { " (did you mean \($0)?)" } ?? ""
    throw SettingRefusal("expected \(expectation), found \(scalar.foundType)\(near)")
  }

  private func retentionText(_ scalar: ScalarText) throws(SettingRefusal) -> String {
    guard RetentionPolicy(scalar.text) != nil else { throw refuse(scalar) }
    return scalar.text
  }
}

/// Why a value is not accepted, without where it stands.
struct SettingRefusal: Error {
  let message: String
  init(_ message: String) { self.message = message }
}
