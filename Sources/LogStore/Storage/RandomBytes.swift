/// Random numbers from the kernel, fetched many at a time: one system call for each would cost as much as a record.
internal import Glibc

struct RandomBytes {
  private var numbers = [UInt64](repeating: 0, count: RandomBytes.count)
  private var position = RandomBytes.count

  /// As many as the kernel gives in one call.
  private static let count = 32

  /// 16 bytes; never 0, which stands for "none".
  mutating func next() -> UInt128 {
    while true {
      if position == RandomBytes.count { refill() }
      let value = UInt128(numbers[position]) << 64 | UInt128(numbers[position + 1])
      // What is still in memory is no longer a secret of the future.
      numbers[position] = 0
      numbers[position + 1] = 0
      position += 2
      if value != 0 { return value }
    }
  }

  private mutating func refill() {
    let result = unsafe numbers.withUnsafeMutableBytes { unsafe getentropy($0.baseAddress!, $0.count) }
    // 256 bytes are the most that it gives, and those it gives always.
    precondition(result == 0, "the kernel gives no random numbers: errno \(errno)")
    position = 0
  }
}
