/// What a payload repeats of its own record, its key or its time, takes one byte in a packed block. See FORMAT.md,
/// "Text".
internal import Bytes

/// What a byte of a payload's text stands for. JSON has no such bytes; a payload that has some is stored as it is.
enum PackedEscape: UInt8, CaseIterable {
  case key = 1
  case agent = 2
  /// RFC 3339 in UTC with microseconds, as items bear them.
  case creationTime = 3
  case time = 4

  static let last = PackedEscape.time.rawValue
  /// Shorter ones are not worth looking for.
  static let bytesMin = 4
}

struct PackedText: ~Copyable {
  /// What each escape stands for, one behind the other, and where each begins.
  private var meanings = ByteBuffer(capacity: 512)
  private var ends: (Int, Int, Int, Int) = (0, 0, 0, 0)

  /// Takes in the names and times of a record.
  mutating func set(key: RawSpan, agent: RawSpan, creationTime: Int64, time: Int64) {
    meanings.removeAll()
    meanings.append(key)
    ends.0 = meanings.count
    meanings.append(agent)
    ends.1 = meanings.count
    TimeText.append(creationTime, to: &meanings)
    ends.2 = meanings.count
    if time != creationTime { TimeText.append(time, to: &meanings) }
    ends.3 = meanings.count
  }

  private func range(_ escape: PackedEscape) -> Range<Int> {
    switch escape {
    case .key: 0..<ends.0
    case .agent: ends.0..<ends.1
    case .creationTime: ends.1..<ends.2
    case .time: ends.2..<ends.3
    }
  }

  /// Appends the text of a payload. False when it has none of its own: then nothing was appended.
  func append(_ payload: RawSpan, to text: inout ByteBuffer) -> Bool {
    for position in 0..<payload.byteCount where payload.u8(position) &- 1 < PackedEscape.last { return false }
    var next = PackedEscape.allCases.map { find($0, in: payload, from: 0) }
    var position = 0
    while let place = next.min(), place < payload.byteCount {
      guard let index = next.firstIndex(of: place) else { preconditionFailure("the least is one of them") }
      let escape = PackedEscape.allCases[index]
      text.append(payload.extracting(position..<place))
      text.append(escape.rawValue)
      position = place + range(escape).count
      for (index, escape) in PackedEscape.allCases.enumerated() where next[index] < position {
        next[index] = find(escape, in: payload, from: position)
      }
    }
    text.append(payload.extracting(position..<payload.byteCount))
    return true
  }

  /// The first place from `start` on at which the meaning of an escape stands; the payload's length when there is none.
  private func find(_ escape: PackedEscape, in payload: RawSpan, from start: Int) -> Int {
    let meaning = meanings.bytes.extracting(range(escape))
    guard meaning.byteCount >= PackedEscape.bytesMin else { return payload.byteCount }
    let opening = meaning.u32(0)
    var place = start
    while place + meaning.byteCount <= payload.byteCount {
      if payload.u32(place) == opening,
        payload.extracting(place..<(place + meaning.byteCount)).equals(meaning)
      {
        return place
      }
      place += 1
    }
    return payload.byteCount
  }

  /// Appends the payload that a text stands for, which must have `count` bytes.
  func expand(_ text: RawSpan, count: Int, to buffer: inout ByteBuffer) throws(FormatError) {
    let end = buffer.count + count
    var plain = 0
    for position in 0..<text.byteCount {
      guard let escape = PackedEscape(rawValue: text.u8(position)) else { continue }
      buffer.append(text.extracting(plain..<position))
      buffer.append(meanings.bytes.extracting(range(escape)))
      plain = position + 1
      guard buffer.count <= end else { throw .badField("text") }
    }
    buffer.append(text.extracting(plain..<text.byteCount))
    guard buffer.count == end else { throw .badField("text") }
  }
}

/// Times as items bear them: `2025-08-07T17:30:00.123456Z`.
enum TimeText {
  /// Appends nothing for a time whose year has not four digits.
  static func append(_ time: Int64, to buffer: inout ByteBuffer) {
    let (days, ofDay) = time.quotientAndFloorRemainder(86_400_000_000)
    let (year, month, day) = UTCText.date(days)
    guard (1...9_999).contains(year) else { return }
    let seconds = ofDay / 1_000_000
    append(year, 4, to: &buffer)
    for (sign, value) in [
      (0x2D, month), (0x2D, day), (0x54, seconds / 3_600), (0x3A, seconds / 60 % 60), (0x3A, seconds % 60),
    ]
      as [(UInt8, Int64)]
    {
      buffer.append(sign)
      append(value, 2, to: &buffer)
    }
    buffer.append(UInt8(0x2E))
    append(ofDay % 1_000_000, 6, to: &buffer)
    buffer.append(UInt8(0x5A))
  }

  private static func append(_ value: Int64, _ digits: Int, to buffer: inout ByteBuffer) {
    var power: Int64 = 1
    for _ in 1..<digits { power *= 10 }
    while power > 0 {
      buffer.append(UInt8(0x30 + value / power % 10))
      power /= 10
    }
  }
}
