/// Runs the built `logstore-dump` as a user does.
import Foundation
import LogStore
import TestSupport
import Testing

typealias ToolRun = ProgramRun

extension ProgramRun {
  static var executable: URL { executable("logstore-dump") }

  init(_ arguments: String...) throws { try self.init("logstore-dump", arguments) }

  init(_ arguments: [String]) throws { try self.init("logstore-dump", arguments) }

  /// A JSON dump of a store with more options.
  static func json(_ fixture: StoreFixture, _ options: String...) throws -> ToolRun {
    try ToolRun([fixture.directory.path, "--format", "json"] + options)
  }

  func revisions() throws -> [UInt64] {
    try objects().map { try #require($0["sequence_number"] as? UInt64) }
  }
}

extension ScratchDirectory {
  func segment(_ number: Int) -> String {
    path + "/" + StoreNames.segment(SegmentNumber(UInt32(number)), generation: 0)
  }

  /// Inverts one bit of a file.
  func flip(_ file: String, at offset: Int, bit: UInt8 = 0) throws {
    var bytes = try read(file)
    bytes[offset] ^= 1 << bit
    try write(bytes, to: file)
  }

  /// Overwrites part of a file with zeros.
  func zero(_ file: String, _ range: Range<Int>) throws {
    var bytes = try read(file)
    for offset in range where offset < bytes.count { bytes[offset] = 0 }
    try write(bytes, to: file)
  }
}
