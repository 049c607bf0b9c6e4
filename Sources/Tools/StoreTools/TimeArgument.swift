/// A time on the command line.
internal import ArgumentParser
internal import Bytes
internal import Hub

package struct TimeArgument: ExpressibleByArgument, Equatable {
  /// Since 1970.
  package let microseconds: Int64

  package init?(argument: String) {
    var text = ByteBuffer(capacity: 64)
    text.append(text: argument)
    guard let time = Timestamp.parse(text.bytes) else { return nil }
    microseconds = time
  }
}
