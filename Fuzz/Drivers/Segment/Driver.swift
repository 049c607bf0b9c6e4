/// The fuzzer of segments, and of the log that they make.
import CFuzzer
import FuzzLog
import FuzzSupport
import Glibc

@main struct Driver {
  static func main() {
    SegmentFuzz.writeSeedsIfAsked()
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments) { SegmentFuzz.drive($0, $1) })
  }
}
