/// Paths as another process finds them.
internal import Glibc

package enum DirectoryPath {
  /// The absolute path of a directory that is there, without links; as it was given when that can not be told.
  package static func absolute(_ path: String) -> String { resolved(path) ?? path }

  /// The absolute path without links, nil when nothing is there. What is not there yet is taken as it is written.
  package static func expected(_ path: String) -> String? {
    if let path = resolved(path) { return path }
    let parts = path.split(separator: "/")
    guard let last = parts.last else { return nil }
    let parent = (path.hasPrefix("/") ? "/" : "") + parts.dropLast().joined(separator: "/")
    return expected(parent.isEmpty ? "." : parent).map { "\($0)/\(last)" }
  }

  /// Whether `path` is `directory`, or lies or would lie inside of it.
  package static func isInside(_ path: String, of directory: String) -> Bool {
    guard let path = expected(path), let directory = resolved(directory) else { return false }
    return (path + "/").hasPrefix(directory == "/" ? "/" : directory + "/")
  }

  private static func resolved(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }
}
