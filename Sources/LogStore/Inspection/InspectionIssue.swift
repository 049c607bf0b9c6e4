/// One thing that an inspection found wrong, or worth a note, in the terms of an operator's one line.
package struct InspectionIssue: Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// Bytes are wrong or missing.
    case damage
    /// The disk or the file system refused to give bytes.
    case unreadable
    /// This process may not read a file.
    case denied
    /// Nothing is wrong any more: a salvage has recorded what was lost.
    case recordedLoss
    /// Nothing is wrong: how a crash or a live writer leaves a log.
    case note
  }

  package var kind: Kind
  package var message: String
  package var segment: SegmentNumber?
  package var offset: UInt64?
  /// The revisions that can not be read because of it, as far as they are known.
  package var lost: ClosedRange<UInt64>?
  /// The upper end of `lost` is only the highest revision that is known to have existed.
  package var lostIsAtLeast = false
  /// The errno of the system call that failed; nil when none did.
  package private(set) var systemError: Int32?

  package init(
    _ kind: Kind, _ message: String, segment: SegmentNumber? = nil, offset: UInt64? = nil,
    lost: ClosedRange<UInt64>? = nil
  ) {
    self.kind = kind
    self.message = message
    self.segment = segment
    self.offset = offset
    self.lost = lost
  }

  package var description: String {
    var text = ""
    if let segment {
      text = "segment \(segment)\(offset.map { " offset \($0)" } ?? ""): "
    }
    text += message
    guard let lost else { return text }
    if lost.count == 1, !lostIsAtLeast { return "\(text); revision \(lost.lowerBound) is lost" }
    return "\(text); revisions \(lost.lowerBound) to \(lostIsAtLeast ? "at least " : "")\(lost.upperBound) are lost"
  }
}

extension InspectionIssue {
  /// A failed system call on a store's file.
  init(_ failure: StorageError, segment: SegmentNumber? = nil, offset: UInt64? = nil) {
    let isDenied = failure.errno == PosixText.accessDenied || failure.errno == PosixText.notPermitted
    self.init(isDenied ? .denied : .unreadable, LogError(failure).message, segment: segment, offset: offset)
    systemError = failure.errno
  }

  /// Whether bytes are wrong, missing or can not be had.
  package var isDamage: Bool {
    switch kind {
    case .damage, .unreadable, .denied: true
    case .recordedLoss, .note: false
    }
  }
}
