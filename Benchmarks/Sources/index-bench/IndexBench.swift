/// What the index costs in time and memory: nanoseconds an operation, and bytes a key as growth of the process.
import Bytes
import Glibc
import KeyIndex

@main struct IndexBench {
  static func main() {
    let count = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 1_000_000 : 1_000_000
    print("\(count) keys; bytes a key are growth of resident memory, the key included; the limit is 40 beyond the key")
    for shape in BenchKeys.Shape.allCases {
      for fill in Workload.Fill.allCases { Workload(BenchKeys(shape, count: count), fill).run() }
    }
  }
}
