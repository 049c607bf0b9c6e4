/// A secret value: it can be compared, but nothing that prints or reflects it shows it.
internal import Bytes

package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// What is shown in its place. Its length tells nothing.
  package static let mask = "********"

  private let bytes: [UInt8]

  package init(_ text: String) { bytes = Array(text.utf8) }

  package var description: String { Secret.mask }
  package var debugDescription: String { Secret.mask }
  package var customMirror: Mirror { Mirror(self, children: []) }

  /// Whether `candidate` is the secret. The time that it takes depends on the candidate's length alone, so that a
  /// guess can not be improved byte by byte.
  package func matches(_ candidate: RawSpan) -> Bool {
    var difference = UInt8(candidate.byteCount == bytes.count ? 0 : 1)
    for position in 0..<candidate.byteCount {
      difference |= candidate.u8(position) ^ bytes[position % bytes.count]
    }
    return difference == 0
  }
}
