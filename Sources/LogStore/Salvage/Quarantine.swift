/// The directory that a salvage moves damaged files to. Nothing is deleted because it looks bad. See FORMAT.md,
/// "Salvage".
internal import Bytes

struct Quarantine {
  static let reportName = "REPORT.txt"
  private let storage: any Storage
  /// Below the store's directory.
  let directory: String

  /// That of the salvage that ran at `time`, in microseconds since 1970.
  init(_ storage: any Storage, at time: Int64) {
    self.storage = storage
    directory = "\(StoreNames.quarantine)/\(UTCText.compact(time))"
  }

  /// A time from `now` on at which no quarantine was made.
  static func freeTime(_ storage: any Storage, now: Int64) throws(LogError) -> Int64 {
    var time = now
    while !(try names(storage, Quarantine(storage, at: time).directory)).isSubset(of: [reportName]) { time += 1 }
    return time
  }

  func make() throws(LogError) {
    do {
      try storage.makeDirectory(StoreNames.quarantine)
      try storage.syncDirectory("")
      try storage.makeDirectory(directory)
      try storage.syncDirectory(StoreNames.quarantine)
    } catch {
      throw LogError(error)
    }
  }

  /// Writes the report, in place of one of an attempt that was cut short.
  func write(report: String) throws(LogError) {
    let name = "\(directory)/\(Quarantine.reportName)"
    let temporary = name + StoreNames.temporarySuffix
    do {
      try storage.removeIfThere(temporary)
      let file = try storage.create(temporary)
      var text = ByteBuffer(capacity: 4_096)
      text.append(text: report)
      try file.write(text.bytes, at: 0)
      try file.sync()
      try storage.rename(temporary, to: name)
      try storage.syncDirectory(directory)
    } catch {
      throw LogError(error)
    }
  }

  /// Moves files of one directory of the store here. What was moved before a crash is there already.
  func take(_ names: [String], from source: String) throws(LogError) {
    let taken = try Quarantine.names(storage, directory)
    for name in names {
      guard !taken.contains(name) else {
        throw LogError(.io, "\(directory)/\(name) is there already: move it elsewhere, nothing is overwritten")
      }
      do {
        try storage.rename(source.isEmpty ? name : "\(source)/\(name)", to: "\(directory)/\(name)")
      } catch {
        throw LogError(error)
      }
    }
    guard !names.isEmpty else { return }
    do {
      // The new names first: a file may be durable under two names, never under none.
      try storage.syncDirectory(directory)
      try storage.syncDirectory(source)
    } catch {
      throw LogError(error)
    }
  }

  static func names(_ storage: any Storage, _ directory: String) throws(LogError) -> Set<String> {
    do {
      return Set(try storage.list(directory))
    } catch {
      if error.errno == PosixText.missing { return [] }
      throw LogError(error)
    }
  }
}

/// Times as people read them.
enum UTCText {
  /// `20250807T173000.123456Z`.
  static func compact(_ time: Int64) -> String {
    let (days, ofDay) = time.quotientAndFloorRemainder(86_400_000_000)
    let (year, month, day) = date(days)
    let seconds = ofDay / 1_000_000
    return padded(year, 4) + padded(month, 2) + padded(day, 2) + "T" + padded(seconds / 3_600, 2)
      + padded(seconds / 60 % 60, 2) + padded(seconds % 60, 2) + "." + padded(ofDay % 1_000_000, 6) + "Z"
  }

  /// Days since 1970 as a date of the Gregorian calendar. Source: Howard Hinnant, "chrono-Compatible Low-Level Date
  /// Algorithms", civil_from_days.
  static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, ofEra) = (days + 719_468).quotientAndFloorRemainder(146_097)
    let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }

  private static func padded(_ value: Int64, _ digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}

extension Int64 {
  func quotientAndFloorRemainder(_ divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
