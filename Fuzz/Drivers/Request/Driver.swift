/// The fuzzer of requests to a hub.
import CFuzzer
import FuzzHub
import FuzzSupport
import Glibc

@main struct Driver {
  static func main() {
    RequestFuzz.writeSeedsIfAsked()
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments) { RequestFuzz.drive($0, $1) })
  }
}
