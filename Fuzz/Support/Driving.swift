/// What all drivers share: a failed property ends the process as a trap does, and seeds become files.
internal import Bytes
internal import Glibc

extension FuzzTarget {
  /// One execution: ends the process when a property does not hold, so that libFuzzer keeps the input.
  package static func drive(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard let start else { return 0 }
    do {
      try run(RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: count))
    } catch {
      let line = Array("\(name): \(error.description)\n".utf8)
      _ = write(STDERR_FILENO, line, line.count)
      abort()
    }
    return 0
  }

  /// With `--seeds DIRECTORY` as arguments: writes the seeds there and ends the process.
  package static func writeSeedsIfAsked() {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, arguments[1] == "--seeds" else { return }
    for seed in seeds {
      let path = "\(arguments[2])/\(seed.name)"
      guard let file = fopen(path, "w"), fwrite(seed.bytes, 1, seed.bytes.count, file) == seed.bytes.count,
        fclose(file) == 0
      else {
        perror(path)
        exit(73)
      }
    }
    exit(0)
  }
}
