/// Changes a store as somebody does who knows the format: everything that can be computed anew is.
import Bytes
import LogStoreTesting

@testable import LogStore

struct ForgedRecord {
  var fields: RecordFields
  var names: [[UInt8]]
  var payload: [UInt8]
  /// The frame that it belongs to.
  var frame: Int
}

struct ForgedLog {
  struct Frame {
    var header: FrameHeader
    let segment: Int
  }
  var frames: [Frame] = []
  var records: [ForgedRecord] = []
}

struct Forger {
  let disk: SimulatedDisk

  init(_ disk: SimulatedDisk) { self.disk = disk }

  func read() throws -> ForgedLog {
    let end = try DurableEnd.find(in: try StoreDirectory.load(disk, writable: false))
    var log = ForgedLog()
    try end.replay.run { (segment, header, _) throws(LogError) in
      let index = end.segments.firstIndex { $0 === segment }!
      log.frames.append(.init(header: header, segment: index))
    } _: { (header, _, record) throws(LogError) in
      log.records.append(
        ForgedRecord(
          fields: header.fields,
          names: [header.keyRange, header.agentRange, header.correlationRange, header.requestRange].map {
            record.extracting($0).array()
          }, payload: record.extracting(header.payloadRange).array(), frame: log.frames.count - 1))
    }
    return log
  }

  /// Reads the log, has it changed, numbers its revisions anew, and writes every segment with checksums that are right.
  func forge(_ change: (inout ForgedLog) -> Void) throws {
    var log = try read()
    change(&log)
    renumber(&log)
    try write(log)
  }

  private func renumber(_ log: inout ForgedLog) {
    var names: [UInt64: UInt64] = [0: 0]
    var next: UInt64 = 1
    for index in log.records.indices where log.records[index].fields.operation.takesRevision {
      names[log.records[index].fields.revision.value] = next
      log.records[index].fields.revision = Revision(next)
      let previous = log.records[index].fields.previousRevision.value
      log.records[index].fields.previousRevision = Revision(names[previous] ?? 0)
      next += 1
    }
  }

  private func write(_ log: ForgedLog) throws {
    let directory = try StoreDirectory.load(disk, writable: false)
    var manifest = directory.manifest
    var image = disk.image
    var last = Revision.none
    var time: Int64 = 0
    for (index, segment) in directory.segments.enumerated() where log.frames.contains(where: { $0.segment == index }) {
      var header = segment.header
      let numbers = log.frames.indices.filter { log.frames[$0].segment == index }
      var bytes = body(of: numbers, log, segment.seed, &last, &time)
      if bytes.count > Int(header.capacity) { header.capacity = UInt64(bytes.count) }
      bytes += [UInt8](repeating: 0, count: Int(header.capacity) - bytes.count)
      var block = ByteBuffer(capacity: 4_096)
      header.encode(into: &block)
      bytes.replaceSubrange(0..<block.count, with: block.bytes.array())
      image.put(StoreNames.segment(segment.number, generation: header.generation), bytes)
      if let listed = manifest.segments.firstIndex(where: { $0.number == segment.number }) {
        manifest.segments[listed].capacity = header.capacity
      }
    }
    disk.image = image
    manifest.durableThrough = min(manifest.durableThrough, last)
    manifest.sequence += 1
    try ManifestStore.write(manifest, to: disk)
    for path in disk.image.paths where path.hasPrefix("snapshots/") { try disk.remove(path) }
  }

  private func body(
    of numbers: [Int], _ log: ForgedLog, _ seed: FrameSeed, _ last: inout Revision, _ time: inout Int64
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Layout.SegmentHeader.blockBytes)
    var table = CommitTable()
    for number in numbers {
      let records = log.records.filter { $0.frame == number }
      var header = log.frames[number].header
      if header.kind == .commit, records.isEmpty { continue }
      var frame = ByteBuffer(capacity: 4_096)
      frame.append(zeros: Layout.FrameHeader.size)
      header.firstRevision = last.next
      for record in records {
        var record = record
        record.fields.time = max(time, record.fields.time)
        time = record.fields.time
        Forger.append(record, seed, at: bytes.count, to: &frame)
        if record.fields.operation.takesRevision { last = record.fields.revision }
      }
      if header.kind == .seal {
        table.encodeSealBody(into: &frame, seed: seed, offset: bytes.count + Layout.FrameHeader.size)
      }
      time = max(time, header.time)
      header.time = time
      header.recordCount = UInt32(records.count)
      header.bodyBytes = UInt32(frame.count - Layout.FrameHeader.size)
      header.lastRevision = last
      header.durableThrough = Revision(header.firstRevision.value - 1)
      header.durableOffset = UInt64(bytes.count)
      header.encode(over: &frame, seed: seed, offset: bytes.count)
      table.note(header, at: bytes.count)
      bytes += frame.bytes.array()
    }
    return bytes
  }

  private static func append(_ record: ForgedRecord, _ seed: FrameSeed, at offset: Int, to frame: inout ByteBuffer) {
    let payload = record.payload
    let start = offset + frame.count
    withNames(record.names) { names in
      RecordEncoder.append(record.fields, names, payload: payload.span.bytes, seed: seed, offset: start, to: &frame)
    }
  }
}
