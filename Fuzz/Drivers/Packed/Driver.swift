/// The fuzzer of packed segments.
import CFuzzer
import FuzzLog
import FuzzSupport
import Glibc

@main struct Driver {
  static func main() {
    PackedFuzz.writeSeedsIfAsked()
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments) { PackedFuzz.drive($0, $1) })
  }
}
