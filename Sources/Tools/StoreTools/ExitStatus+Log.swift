/// Which exit code stands for what a tool met that works on a store. CONTRACT: "Programs".
internal import Glibc
package import LogStore
package import Programs

extension ExitStatus {
  package init(_ error: LogError) {
    switch error.code {
    case .notFound, .notAStore: self = .noInput
    case .damaged, .unsupported: self = .damaged
    case .io, .poisoned, .locked, .tooLarge, .noRoom, .busy: self = .inputOutput
    }
  }

  /// For a directory that could not be opened.
  package init(opening failure: StorageError) {
    switch failure.errno {
    case ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP: self = .noInput
    case EACCES, EPERM: self = .notPermitted
    default: self = .inputOutput
    }
  }

  /// For a store that could not be made.
  package init(creating error: LogError) {
    switch error.code {
    case .notAStore: self = .canNotCreate
    case .locked: self = .locked
    case .damaged: self = .damaged
    case .io, .poisoned, .notFound, .unsupported, .tooLarge, .noRoom, .busy:
      self.init(creating: error.systemError ?? 0, other: .inputOutput)
    }
  }

  /// For a directory that could not be made or opened to make a store in it.
  package init(creatingIn failure: StorageError) { self.init(creating: failure.errno, other: .canNotCreate) }

  private init(creating number: Int32, other: ExitStatus) {
    switch number {
    case EACCES, EPERM: self = .notPermitted
    case EROFS, ENOTDIR, ENAMETOOLONG, ELOOP: self = .canNotCreate
    case ENOSPC, EDQUOT, EIO: self = .inputOutput
    default: self = other
    }
  }

  /// The one that tells more, of two.
  package func worse(than other: ExitStatus) -> ExitStatus { severity >= other.severity ? self : other }

  private var severity: Int {
    switch self {
    case .done: 0
    case .damaged: 1
    case .noInput: 2
    case .notPermitted: 3
    case .inputOutput: 4
    case .usage, .unavailable, .canNotCreate, .locked, .badConfiguration: 5
    }
  }
}
