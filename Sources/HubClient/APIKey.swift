/// The key that a hub may ask for. Nothing that prints or reflects it shows it.
internal import Access
internal import Bytes

package struct APIKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  let text: String

  package init(_ text: String) { self.text = text }

  /// Whether it is one that `mfh keys` has made: it belongs to an agent, and the hub knows to which.
  package var belongsToAgent: Bool { AccessToken.id(of: Array(text.utf8).span.bytes) != nil }

  package var description: String { "********" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
