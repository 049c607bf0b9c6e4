/// What a `get` takes in the engine, without a network: the key looked up in the index, the record read, checked and, in a packed
/// segment, unpacked. Opens a store that no hub has open, reads random keys, and writes nothing but what an opening writes.
///
///     read-bench DIR [GETS]
import BenchSupport
import Bytes
import Hub
import LogStore

@main enum ReadBench {
  static func main() throws {
    guard CommandLine.arguments.count >= 2 else {
      print("usage: read-bench DIR [GETS]: times random gets of a store that no hub has open")
      return
    }
    let gets = CommandLine.arguments.count > 2 ? Int(CommandLine.arguments[2]) ?? 100_000 : 100_000
    let clock = SystemClock()
    let storage = try PosixStorage(path: CommandLine.arguments[1], creating: false)
    let log = try RecordLog(storage, options: LogOptions(), now: clock.now()) {}
    let hub = try MemoryHub(log: log, limits: HubLimits(), clock: clock)
    let keys = allKeys(hub)
    var times = time(hub, keys, gets)
    try hub.close()
    times.sort()
    func at(_ share: Double) -> Double { times[min(times.count - 1, Int(Double(times.count) * share))] }
    print("keys \(keys.count), gets \(times.count): p50 \(at(0.5)) us, p95 \(at(0.95)) us, p99 \(at(0.99)) us")
  }

  static func allKeys(_ hub: MemoryHub) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    let nothing = RawSpan()
    hub.forEachKey(prefix: nothing, after: nothing) { key in
      keys.append(key.array())
      return true
    }
    return keys
  }

  /// Microseconds of each.
  static func time(_ hub: MemoryHub, _ keys: [[UInt8]], _ gets: Int) -> [Double] {
    var generator = Generator(state: 1)
    var reply = ByteBuffer(capacity: 1 << 20)
    var times: [Double] = []
    times.reserveCapacity(gets)
    let clock = ContinuousClock()
    for _ in 0..<gets {
      let key = keys[generator.below(keys.count)]
      reply.removeAll()
      let begin = clock.now
      guard let entry = hub.locate(key.span.bytes, seesPending: false).entry,
        (try? hub.readItem(entry, into: &reply)) != nil
      else { preconditionFailure("a key that was listed can be read") }
      let taken = clock.now - begin
      times.append(Double(taken.components.attoseconds) / 1e12)
    }
    return times
  }
}
