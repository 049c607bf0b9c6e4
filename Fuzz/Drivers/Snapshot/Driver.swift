/// The fuzzer of snapshots.
import CFuzzer
import FuzzHub
import FuzzSupport
import Glibc

@main struct Driver {
  static func main() {
    SnapshotFuzz.writeSeedsIfAsked()
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments) { SnapshotFuzz.drive($0, $1) })
  }
}
