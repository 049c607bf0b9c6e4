/// Takes in what an inspection gives: which records, where, and what it complained of.
internal import Bytes
package import LogStore

package final class InspectionReader: InspectionVisitor {
  package struct Record: Equatable {
    package var segment: SegmentNumber
    package var offset: Int
    package var revision: Revision

    package init(_ segment: SegmentNumber, _ offset: Int, _ revision: Revision) {
      self.segment = segment
      self.offset = offset
      self.revision = revision
    }
  }

  package private(set) var records: [Record] = []
  /// The places of whole frames before the first damage.
  package private(set) var soundFrames: [FramePlace] = []
  /// The records in them.
  package private(set) var soundRecords: [Record] = []
  package private(set) var damage: [String] = []

  private var segment = SegmentNumber(0)

  package struct FramePlace: Equatable {
    package var segment: SegmentNumber
    package var offset: Int
  }

  package init() {}

  package func begin(_ segment: InspectedSegment.Readable) { self.segment = segment.file.number }

  package func visit(_ frame: FrameHeader, at offset: Int) {
    if damage.isEmpty { soundFrames.append(FramePlace(segment: segment, offset: offset)) }
  }

  package func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool {
    let found = Record(record.segment.number, record.offset, record.header.fields.revision)
    records.append(found)
    // Records that are sound in a commit that is not are given too; a writer does not take them.
    if damage.isEmpty, let last = soundFrames.last, record.frameOffset == last.offset { soundRecords.append(found) }
    return true
  }

  package func report(_ issue: InspectionIssue) {
    let text = issue.description
    switch issue.kind {
    case .note, .recordedLoss: return
    case .damage, .unreadable, .denied: break
    }
    damage.append(text)
  }
}
