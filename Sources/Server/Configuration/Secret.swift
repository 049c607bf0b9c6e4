/// A secret value: its digest can be compared, but nothing that prints or reflects it shows it.
internal import Access
internal import HistoryTree

package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// What is shown in its place. Its length tells nothing.
  package static let mask = "********"

  private let bytes: [UInt8]

  package init(_ text: String) { bytes = Array(text.utf8) }

  package var description: String { Secret.mask }
  package var debugDescription: String { Secret.mask }
  package var customMirror: Mirror { Mirror(self, children: []) }

  func isShorter(thanBytes count: Int) -> Bool { bytes.count < count }

  /// What candidates are compared with: digests have one length, and say nothing of where a guess goes wrong.
  var digest: Digest { AccessToken.digest(bytes.span.bytes) }
}
