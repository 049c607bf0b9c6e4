/// Where the events go that passed the filters: printed in one of the forms, or counted.
internal import Bytes
internal import LogStore

protocol EventSink: AnyObject {
  /// Whether `emit` wants the item before the event.
  var wantsPreviousItem: Bool { get }
  /// Whether records without a revision are wanted.
  var wantsEveryRecord: Bool { get }
  /// - Parameters:
  ///   - bytes: the whole record.
  ///   - previousItem: the item before the event, as stored; empty when there was none, it is lost or it is not wanted.
  func emit(_ record: InspectedRecord, _ bytes: RawSpan, previousItem: RawSpan)
  /// Everything was given.
  func finish()
}
