/// The fuzzer of records and the frames around them.
import CFuzzer
import FuzzLog
import FuzzSupport
import Glibc

@main struct Driver {
  static func main() {
    RecordFuzz.writeSeedsIfAsked()
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments) { RecordFuzz.drive($0, $1) })
  }
}
