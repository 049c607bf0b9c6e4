/// The fuzzer of JSON texts.
import CFuzzer
import FuzzText
import FuzzSupport
import Glibc

@main struct Driver {
  static func main() {
    JSONFuzz.writeSeedsIfAsked()
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments) { JSONFuzz.drive($0, $1) })
  }
}
