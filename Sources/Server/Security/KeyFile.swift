/// The file with the keys of clients (`mfh keys` writes it), and whether it has changed since it was read.
internal import Access
internal import Glibc

final class KeyFile {
  let path: String
  /// Why the file could not be read the last time.
  private(set) var problem: String?
  private var seen: FileState?

  init(_ path: String) { self.path = path }

  /// - Throws: when it can not be read, others can write it, or it holds what is no key.
  func read() throws(ConfigurationError) -> [KeyEntry] {
    // Before reading: a change that comes while the file is read is seen the next time.
    seen = FileState(path)
    do throws(ConfigurationError) {
      let file = ProtectedFile(
        setting: "security.key_file", path: path, advice: "mfh keys create --file \(path) makes one",
        isSecret: false)
      let text = try file.read(bytesMax: KeyFileText.bytesMax)
      do throws(AccessTextError) {
        let entries = try KeyFileText(text).entries
        problem = nil
        return entries
      } catch {
        throw file.refusal(error.message)
      }
    } catch {
      problem = error.message
      throw error
    }
  }

  /// Looks whether it is another file than the one that was read, or has other contents. One system call.
  func hasChanged() -> Bool { FileState(path) != seen }
}

/// What tells one state of a file from another. An editor that writes a new file in its place gives it a new inode; one
/// that writes into it changes its times.
private struct FileState: Equatable {
  private let device: UInt
  private let inode: UInt
  private let bytes: Int
  private let modified: [Int]

  /// Nil when there is none.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = status.st_dev
    inode = status.st_ino
    bytes = status.st_size
    modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
  }
}
