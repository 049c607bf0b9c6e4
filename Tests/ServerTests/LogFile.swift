/// A file that log lines go to.
import Foundation
import Testing

final class LogFile {
  let descriptor: Int32

  init() throws {
    var template = Array("/tmp/mfh-log-XXXXXX".utf8CString)
    descriptor = mkstemp(&template)
    try #require(descriptor >= 0)
    unlink(template)
  }

  deinit { close(descriptor) }

  func text() throws -> String {
    let count = Int(lseek(descriptor, 0, SEEK_END))
    var bytes = [UInt8](repeating: 0, count: count)
    try #require(pread(descriptor, &bytes, count, 0) == count)
    return String(decoding: bytes, as: UTF8.self)
  }

  func lines() throws -> [String] { try text().split(separator: "\n").map(String.init) }

  func objects() throws -> [[String: Any]] {
    try lines().map {
      try #require(
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "a line is an object: \($0)")
    }
  }
}
