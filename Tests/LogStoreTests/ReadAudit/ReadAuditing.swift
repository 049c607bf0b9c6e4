/// A stream of reads on a simulated disk, and what is told of it.
import Bytes
import LogStoreTesting
import Testing

@testable import LogStore

struct ToldRead: Equatable {
  var fields: ReadFields
  var key: String
  var agent: String
  var correlation: String

  /// A read of which every field is another one for each number.
  static func sample(_ number: Int) -> ToldRead {
    ToldRead(
      fields: ReadFields(
        ReadAction.allCases[number % ReadAction.allCases.count], time: 1_754_587_800_000_000 + Int64(number),
        revision: Revision(UInt64(number % 3)), firstRevision: Revision(UInt64(number % 2)), count: UInt32(number)),
      key: "key/\(number)", agent: number % 4 == 0 ? "" : "agent-\(number % 4)",
      correlation: number % 5 == 0 ? "run" : "")
  }
}

/// What a reader of a stream was told.
final class StreamReading {
  private(set) var reads: [ToldRead] = []
  private(set) var places: [ReadStream.Place] = []
  private(set) var issues: [InspectionIssue] = []
  private(set) var isThere = false

  init(_ storage: any Storage, newestFirst: Bool = false, limit: Int = .max) throws {
    let stream = ReadStream(try StoreInspection.open(storage)) { self.issues.append($0) }
    isThere = stream.read(newestFirst: newestFirst) { read, bytes, place in
      reads.append(
        ToldRead(
          fields: read.fields, key: bytes.extracting(read.keyRange).text(),
          agent: bytes.extracting(read.agentRange).text(), correlation: bytes.extracting(read.correlationRange).text()))
      places.append(place)
      return reads.count < limit
    }
  }

  var damages: [InspectionIssue] { issues.filter(\.isDamage) }
}

extension ReadAuditWriter {
  func append(_ read: ToldRead) {
    let (key, agent, correlation) = (Array(read.key.utf8), Array(read.agent.utf8), Array(read.correlation.utf8))
    append(read.fields, key: key.span.bytes, agent: agent.span.bytes, correlation: correlation.span.bytes)
  }
}

enum ReadStore {
  /// A closed store without events.
  static func empty() throws -> (disk: SimulatedDisk, store: StoreIdentity) {
    let disk = SimulatedDisk()
    let log = try RecordLog(disk, options: Driver.smallOptions, now: SimulatedClock().now)
    let store = log.status.store
    try log.close()
    log.abandon()
    disk.restart()
    return (disk, store)
  }

  static func options(bytesMax: Int = 1 << 20, fileBytes: Int = 1_000) -> ReadAuditOptions {
    var options = ReadAuditOptions()
    options.bytesMax = bytesMax
    options.fileBytes = fileBytes
    return options
  }

  /// One file with `count` reads.
  static func oneFile(_ count: Int) throws -> (disk: SimulatedDisk, store: StoreIdentity, reads: [ToldRead]) {
    let (disk, store) = try empty()
    let reads = (1...count).map(ToldRead.sample)
    let writer = ReadAuditWriter(disk, store: store, options: options(fileBytes: 1 << 20))
    for read in reads { writer.append(read) }
    writer.close()
    return (disk, store, reads)
  }
}
