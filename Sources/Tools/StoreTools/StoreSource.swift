/// Opens the store that a tool is to read: nothing in it is changed, and it may be in use.
internal import Glibc
package import LogStore
package import Programs

package enum StoreSource {
  /// - Throws: the exit code, when the one line that says why is on standard error.
  package static func storage(_ path: String, program: String) throws(ExitStatus) -> PosixStorage {
    do {
      return try PosixStorage(path: path, creating: false)
    } catch {
      throw refuse(path, program, ExitStatus(opening: error), String(cString: strerror(error.errno)))
    }
  }

  /// - Throws: as above.
  package static func open(
    _ path: String, on storage: any Storage, program: String
  ) throws(ExitStatus) -> StoreInspection {
    do {
      return try StoreInspection.open(storage)
    } catch {
      throw refuse(path, program, ExitStatus(error), error.message)
    }
  }

  private static func refuse(_ path: String, _ program: String, _ status: ExitStatus, _ cause: String) -> ExitStatus {
    let advice = status == .noInput ? "; name the directory that mfh-server has as --data-dir" : ""
    StandardError.say(program, "\(path): \(cause)\(advice)")
    return status
  }
}

extension StoreInspection {
  /// Bytes of all segments' files, for the progress of whoever reads them.
  package var fileBytes: UInt64 { segments.reduce(0) { $0 + ($1.readable?.fileBytes ?? 0) } }
}
