/// The fuzzer of items on their way into the store.
import CFuzzer
import FuzzHub
import FuzzSupport
import Glibc

@main struct Driver {
  static func main() {
    ItemFuzz.writeSeedsIfAsked()
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments) { ItemFuzz.drive($0, $1) })
  }
}
