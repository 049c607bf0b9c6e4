/// The fuzzer of replies, as a client reads them.
import CFuzzer
import FuzzText
import FuzzSupport
import Glibc

@main struct Driver {
  static func main() {
    ReplyFuzz.writeSeedsIfAsked()
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments) { ReplyFuzz.drive($0, $1) })
  }
}
