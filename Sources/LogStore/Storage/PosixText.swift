/// The error numbers that the log tells apart, and their text.
internal import Glibc

package enum PosixText {
  package static let wouldBlock = EWOULDBLOCK
  package static let noSpace = ENOSPC
  package static let quota = EDQUOT
  package static let notPermitted = EPERM
  package static let accessDenied = EACCES
  package static let tooManyFiles = EMFILE
  package static let readOnly = EROFS
  package static let missing = ENOENT
  package static let notADirectory = ENOTDIR
  package static let exists = EEXIST
  package static let inputOutput = EIO

  package static func describe(_ number: Int32) -> String { String(cString: strerror(number)) }
}
