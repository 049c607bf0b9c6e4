/// What can go wrong with a store, in the terms of someone who can act on it.
package struct LogError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Code: String, Sendable {
    /// Bytes that were durable are missing or wrong.
    case damaged
    /// The disk or the file system refused.
    case io
    /// A write or an fsync failed earlier: nothing more is written until the store is opened again.
    case poisoned
    /// Another process has the store open.
    case locked
    /// There is no store where one was expected.
    case notFound
    /// The directory holds something else, or a store that can not be created there.
    case notAStore
    /// Written by a version, or with features, that this program does not know.
    case unsupported
    /// A commit that no segment can hold.
    case tooLarge
    /// There is no room, and the next segment can not be made; nothing was written. It goes on when it can be.
    case noRoom
    /// The next segment is still being made; nothing was written. To be asked again when `RecordLog.canTakeMore`.
    case busy
  }

  package let code: Code
  /// What, where, and what to do next; one line.
  package let message: String
  package let segment: SegmentNumber?
  package let offset: UInt64?
  /// The errno of the system call that failed; nil when none did.
  package private(set) var systemError: Int32?

  package init(
    _ code: Code, _ message: String, segment: SegmentNumber? = nil, offset: UInt64? = nil, systemError: Int32? = nil
  ) {
    self.code = code
    self.message = message
    self.segment = segment
    self.offset = offset
    self.systemError = systemError
  }

  package var description: String {
    guard let segment else { return message }
    return "segment \(segment)\(offset.map { " offset \($0)" } ?? ""): \(message)"
  }
}

extension LogError {
  /// A failed system call on a segment's file.
  init(_ failure: StorageError, segment: SegmentNumber, offset: UInt64? = nil) {
    let plain = LogError(failure)
    self.init(plain.code, plain.message, segment: segment, offset: offset, systemError: plain.systemError)
  }

  /// A failed system call, with what an operator can do about it.
  package init(_ failure: StorageError) {
    let cause = PosixText.describe(failure.errno)
    if failure.call == .lock, failure.errno == PosixText.wouldBlock {
      self.init(
        .locked, "\(failure.name) is held by another process; stop that one first (its id is in the file)")
      systemError = failure.errno
      return
    }
    let advice =
      switch failure.errno {
      case PosixText.noSpace, PosixText.quota: "free some space on this file system"
      case PosixText.notPermitted, PosixText.accessDenied: "check the owner and mode of the directory"
      case PosixText.tooManyFiles: "raise the limit of open files (ulimit -n)"
      case PosixText.readOnly: "the file system is mounted read-only; look at the kernel's log"
      case PosixText.missing, PosixText.notADirectory: "check the path"
      default: "look at the kernel's log (dmesg) for this disk"
      }
    self.init(.io, "\(failure.call.rawValue) \(failure.name): \(cause); \(advice)")
    systemError = failure.errno
  }
}
