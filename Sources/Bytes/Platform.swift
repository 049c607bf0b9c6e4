/// The one call of the C library that comparing bytes needs.
public import Glibc

@inlinable package func memcmpBytes(_ left: UnsafeRawPointer?, _ right: UnsafeRawPointer?, _ count: Int) -> Int {
  guard count > 0, let left, let right else { return 0 }
  return Int(unsafe memcmp(left, right, count))
}
