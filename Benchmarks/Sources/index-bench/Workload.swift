/// One tree, filled in one way, and everything that is measured with it.
import Bytes
import Glibc
import KeyIndex

struct Workload: ~Copyable {
  enum Fill: String, CaseIterable {
    case shuffled, ascending, bulk
  }

  private let keys: BenchKeys
  private let fill: Fill

  init(_ keys: consuming BenchKeys, _ fill: Fill) {
    self.keys = keys
    self.fill = fill
  }

  func run() {
    print("\n\(keys.shape.rawValue) keys, \(fill.rawValue) fill")
    let before = Process.residentBytes
    var tree = KeyTree()
    let filling = Process.nanoseconds { tree = filled() }
    let grown = Process.residentBytes - before
    report("fill", filling / Double(keys.count), "ns/key")
    report("resident memory", Double(grown) / Double(keys.count), "bytes/key")
    report("beyond the key", Double(grown) / Double(keys.count) - Double(BenchKeys.keyBytes), "bytes/key")
    measureGets(tree)
    measureScans(tree)
    measureRemoves(tree)
  }

  private func filled() -> KeyTree {
    if fill == .bulk { return built() }
    let tree = KeyTree()
    for index in 0..<keys.count {
      let place = fill == .shuffled ? Int(keys.shuffled[index]) : index
      keys.withKey(place) { _ = tree.insert($0, Workload.value(place)) }
    }
    return tree
  }

  private func built() -> KeyTree {
    var builder = KeyTreeBuilder()
    for index in 0..<keys.count {
      keys.withKey(index) { key in
        do { try builder.append(key, Workload.value(index)) } catch { preconditionFailure("keys are sorted: \(error)") }
      }
    }
    return builder.finish()
  }

  private static func value(_ number: Int) -> IndexValue { IndexValue(low: UInt64(number), high: 1) }

  // MARK: Measuring

  private func measureGets(_ tree: KeyTree) {
    var found = 0
    let spent = Process.nanoseconds {
      for place in keys.shuffled {
        keys.withKey(Int(place)) { if tree.get($0)?.low == UInt64(place) { found += 1 } }
      }
    }
    precondition(found == keys.count, "every key is found with its value")
    report("get, random order, mean", spent / Double(keys.count), "ns")
    measureGetPercentiles(tree)
  }

  /// One timestamp a get: the clock's own cost, measured too, is in every figure.
  private func measureGetPercentiles(_ tree: KeyTree) {
    var spent: [Double] = []
    var clock: [Double] = []
    for place in keys.shuffled.prefix(200_000) {
      keys.withKey(Int(place)) { key in
        spent.append(Process.nanoseconds { precondition(tree.get(key) != nil, "the key is there") })
      }
      clock.append(Process.nanoseconds {})
    }
    spent.sort()
    clock.sort()
    let own = clock[clock.count / 2]
    report("get, p50", spent[spent.count / 2] - own, "ns")
    report("get, p99", spent[spent.count * 99 / 100] - own, "ns")
  }

  private func measureScans(_ tree: KeyTree) {
    var sum = 0
    let forward = Process.nanoseconds {
      tree.scan(from: RawSpan(), inclusive: true) { key, value in
        sum &+= key.byteCount &+ Int(truncatingIfNeeded: value.low)
        return true
      }
    }
    let backward = Process.nanoseconds {
      tree.scanBackward { key, value in
        sum &-= key.byteCount &+ Int(truncatingIfNeeded: value.low)
        return true
      }
    }
    precondition(sum == 0, "both directions see the same")
    report("scan", Double(keys.count) / forward * 1_000, "M entries/s")
    report("scan backward", Double(keys.count) / backward * 1_000, "M entries/s")
  }

  private func measureRemoves(_ tree: KeyTree) {
    let half = keys.shuffled.prefix(keys.count / 2)
    let spent = Process.nanoseconds {
      for place in half { keys.withKey(Int(place)) { _ = tree.remove($0) } }
    }
    report("remove of every second, random order", spent / Double(half.count), "ns")
    let again = Process.nanoseconds {
      for place in half { keys.withKey(Int(place)) { _ = tree.insert($0, Workload.value(Int(place))) } }
    }
    report("insert of these again", again / Double(half.count), "ns")
    precondition(tree.count == keys.count, "all keys are back")
  }

  private func report(_ what: String, _ figure: Double, _ unit: String) {
    let rounded = (figure * 10).rounded() / 10
    let dots = String(repeating: ".", count: max(1, 44 - what.count))
    print("  \(what) \(dots) \(rounded) \(unit)")
  }
}

/// What the operating system says about this process.
enum Process {
  /// Resident memory, from `/proc/self/statm`.
  static var residentBytes: Int {
    guard let file = fopen("/proc/self/statm", "r") else { preconditionFailure("can not read /proc/self/statm") }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 128, file) != nil else { preconditionFailure("/proc/self/statm is empty") }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      preconditionFailure("/proc/self/statm has another form: \(text)")
    }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  static func nanoseconds(_ body: () -> Void) -> Double {
    var start = timespec()
    var end = timespec()
    clock_gettime(CLOCK_MONOTONIC, &start)
    body()
    clock_gettime(CLOCK_MONOTONIC, &end)
    return Double(end.tv_sec - start.tv_sec) * 1e9 + Double(end.tv_nsec - start.tv_nsec)
  }
}
