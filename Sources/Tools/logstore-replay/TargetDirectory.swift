/// The directory that a replay goes into: whether it may, and what is taken back when it fails.
internal import Glibc
internal import LogStore
internal import Programs
internal import StoreTools

struct TargetDirectory {
  let storage: PosixStorage
  private let path: String
  private let wasThere: Bool

  /// - Parameters:
  ///   - source: the store that is read; nothing is made inside of it.
  ///   - creating: make it if it is not there.
  /// - Returns: nil when it is not there and is not to be made.
  /// - Throws: the exit code, when the one line that says why is on standard error.
  static func open(_ path: String, source: String, creating: Bool) throws(ExitStatus) -> TargetDirectory? {
    if DirectoryPath.isInside(path, of: source) {
      throw refuse(path, .canNotCreate, "it is the source, or lies inside of it: name a directory elsewhere")
    }
    let wasThere = access(path, F_OK) == 0
    if !wasThere, !creating { return nil }
    let target: TargetDirectory
    do {
      target = TargetDirectory(
        storage: try PosixStorage(path: path, creating: creating), path: path, wasThere: wasThere)
    } catch {
      throw refuse(path, ExitStatus(creatingIn: error), String(cString: strerror(error.errno)))
    }
    do {
      if let name = try NewStore.obstacle(in: target.storage) {
        throw refuse(path, .canNotCreate, "the directory is not empty (\(name)…): name an empty or a new one")
      }
    } catch let error as LogError {
      throw refuse(path, ExitStatus(creating: error), error.message)
    } catch let error as ExitStatus {
      throw error
    } catch {
      preconditionFailure("only log errors and exit codes are thrown here: \(error)")
    }
    return target
  }

  private static func refuse(_ path: String, _ status: ExitStatus, _ cause: String) -> ExitStatus {
    StandardError.say(ReplayJob.program, "\(path): \(cause)")
    return status
  }

  /// Removes the directories that were made; the files are gone already.
  func takeBack() {
    rmdir("\(path)/\(StoreNames.segments)")
    if !wasThere { rmdir(path) }
  }
}
