/// A place for a test's files, which is removed at the end.
internal import Foundation

package final class ScratchDirectory {
  package let path: String

  /// A path that nothing has yet.
  package init() { path = FileManager.default.temporaryDirectory.path + "/mfh-test-\(UUID().uuidString)" }

  /// An empty directory.
  package static func made() throws -> ScratchDirectory {
    let directory = ScratchDirectory()
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    return directory
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  package func read(_ file: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: file))) }

  package func write(_ bytes: [UInt8], to file: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: file))
  }
}
