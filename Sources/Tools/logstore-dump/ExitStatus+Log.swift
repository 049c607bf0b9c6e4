/// Which exit code stands for what `logstore-dump` met. CONTRACT: "Programs".
internal import Glibc
internal import LogStore
internal import Programs

extension ExitStatus {
  init(_ error: LogError) {
    switch error.code {
    case .notFound, .notAStore: self = .noInput
    case .damaged, .unsupported: self = .damaged
    case .io, .poisoned, .locked, .tooLarge, .noRoom, .busy: self = .inputOutput
    }
  }

  /// For a directory that could not be opened.
  init(opening failure: StorageError) {
    switch failure.errno {
    case ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP: self = .noInput
    case EACCES, EPERM: self = .notPermitted
    default: self = .inputOutput
    }
  }

  /// The one that tells more, of two.
  func worse(than other: ExitStatus) -> ExitStatus { severity >= other.severity ? self : other }

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
