/// What a log was given, in order, and how much of it was acknowledged: what it must give back.
import Bytes
import LogStore

struct StoreModel {
  struct Event {
    let fields: RecordFields
    /// Names and payload as they follow the record's header.
    let bytes: [UInt8]
  }

  private(set) var events: [Event] = []
  /// How many events there were after each commit that was handed over; the last may be under way.
  private(set) var commitEnds: [Int] = [0]
  /// Events that were acknowledged, and of these the ones known durable.
  private(set) var acknowledged = 0
  private(set) var durable = 0
  /// The highest epoch in which an event was acknowledged.
  private(set) var epoch: UInt64 = 0

  mutating func append(_ event: Event) { events.append(event) }
  mutating func submit() { commitEnds.append(events.count) }

  mutating func acknowledge(durable durableThrough: Revision, epoch: UInt64) {
    acknowledged = events.count
    durable = max(durable, Int(durableThrough.value))
    self.epoch = max(self.epoch, epoch)
  }

  /// The log was opened again and holds `count` events: the others are gone, and that is settled.
  mutating func settle(_ count: Int, epoch: UInt64) {
    events.removeLast(events.count - count)
    commitEnds.removeAll { $0 > count }
    acknowledged = count
    durable = count
    self.epoch = max(self.epoch, epoch)
  }

  /// Whether a record is, byte for byte, the event with its revision.
  func holds(_ header: RecordHeader, _ record: RawSpan) -> Bool {
    let index = Int(header.fields.revision.value) - 1
    guard events.indices.contains(index), events[index].fields == header.fields else { return false }
    let expected = events[index].bytes
    return record.extracting(Layout.RecordHeader.size..<header.payloadRange.upperBound).equals(expected.span.bytes)
  }
}

/// What was found in a log.
struct Survey: Equatable {
  var events = 0
  var epoch: UInt64 = 0
  var epochRecords = 0
  /// What is wrong; nil when every record is the model's, in order, without hole or repetition.
  var complaint: String?

  /// Replays an open log against the model.
  static func of(_ log: RecordLog, _ model: StoreModel) throws -> Survey {
    var survey = Survey(epoch: log.epoch)
    try log.replay { (header, position, record) throws(LogError) in
      guard header.fields.operation.takesRevision else {
        survey.epochRecords += 1
        return
      }
      survey.events += 1
      if header.fields.revision.value != UInt64(survey.events) {
        survey.complaint = "revision \(header.fields.revision) comes as number \(survey.events)"
      } else if !model.holds(header, record) {
        survey.complaint = "revision \(header.fields.revision) at \(position) is not what was written"
      }
    }
    if log.lastRevision.value != UInt64(survey.events) {
      survey.complaint = "the log says \(log.lastRevision), its replay gives \(survey.events)"
    }
    return survey
  }
}
