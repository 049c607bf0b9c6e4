/// Takes in what an inspection finds, in the order of the log.
internal import Bytes

package protocol InspectionVisitor: AnyObject {
  /// The records that follow lie in this segment.
  func begin(_ segment: InspectedSegment.Readable)
  /// A frame that is whole in itself; its records follow.
  func visit(_ frame: FrameHeader, at offset: Int)
  /// A valid record. `bytes` is the whole record, borrowed for this call. False ends the inspection.
  func visit(_ record: InspectedRecord, _ bytes: RawSpan) -> Bool
  /// Comes as soon as it is known which revisions are lost by it: not later than the next record.
  func report(_ issue: InspectionIssue)
}
