/// The fuzzer of manifests.
import CFuzzer
import FuzzLog
import FuzzSupport
import Glibc

@main struct Driver {
  static func main() {
    ManifestFuzz.writeSeedsIfAsked()
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(LLVMFuzzerRunDriver(&count, &arguments) { ManifestFuzz.drive($0, $1) })
  }
}
