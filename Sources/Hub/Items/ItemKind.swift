/// The three kinds of items. CONTRACT: "Items".
package enum ItemKind: UInt8, CaseIterable, Sendable {
  case memory = 1
  case session = 2
  case knowledge = 3

  /// What `item_type` says, and `stats` and metrics count by.
  package var name: StaticString {
    switch self {
    case .memory: "memory_item"
    case .session: "session"
    case .knowledge: "knowledge"
    }
  }
}
