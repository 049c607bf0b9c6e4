/// What a fuzz target is: one function from bytes to nothing. The same functions run under libFuzzer (`scripts/fuzz`) and,
/// over the files of `Fuzz/Corpus`, in the test suite.
package import Bytes

package protocol FuzzTarget {
  /// The name of its driver and of its folder of inputs.
  static var name: String { get }
  /// Does with `input` what the product does with bytes from elsewhere. A trap, a leak or a read out of bounds is found by
  /// whoever runs it; this finds what those can not see.
  ///
  /// - Throws: when a property does not hold that must hold for every input.
  static func run(_ input: RawSpan) throws(FuzzFailure)
  /// Inputs to begin with, made by the product's own encoders.
  static var seeds: [FuzzSeed] { get }
}

/// An input with a name for its file.
package struct FuzzSeed {
  package let name: String
  package let bytes: [UInt8]

  package init(_ name: String, _ bytes: [UInt8]) {
    self.name = "seed-\(name)"
    self.bytes = bytes
  }

  package init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }
}

/// A property that did not hold.
package struct FuzzFailure: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// Throws unless `condition` holds.
package func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(FuzzFailure) {
  if !condition { throw FuzzFailure(message()) }
}

extension RawSpan {
  /// A copy that can be changed.
  package func copy() -> ByteBuffer {
    var buffer = ByteBuffer(capacity: byteCount)
    buffer.append(self)
    return buffer
  }
}
