/// The fields that the hub knows, kind by kind, in the order in which they are stored. CONTRACT: "Items".

/// What a field must be, and what stands for it when it was not given.
enum FieldRule {
  /// The request's key.
  case key
  /// `timestamp` or `created_at`: carried over from the replaced item, or now.
  case creation
  /// Set by the hub when an item is replaced; a time or null otherwise.
  case updated
  /// The expiry; `ttl_seconds` sets it too. `stored`: as null even when there is none.
  case expiry(stored: Bool)
  /// A time; default now.
  case timeNow
  /// A time or null.
  case timeOrNull
  /// A string or null.
  case stringOrNull
  /// A string that must be there; an id must not be empty.
  case requiredString(isID: Bool)
  /// String or object, for memories an array too; must be there.
  case content(allowsArray: Bool)
  case memoryType
  case object
  case strings
  case flag
  case confidence
  case count
}

struct Field {
  let name: StaticString
  let rule: FieldRule
}

enum ItemSchema {
  static let typeField: StaticString = "item_type"

  static func fields(of kind: ItemKind) -> [Field] {
    switch kind {
    case .memory: memory
    case .session: session
    case .knowledge: knowledge
    }
  }

  private static let memory: [Field] = [
    Field(name: "key", rule: .key),
    Field(name: "content", rule: .content(allowsArray: true)),
    Field(name: "memory_type", rule: .memoryType),
    Field(name: "timestamp", rule: .creation),
    Field(name: "updated_at", rule: .updated),
    Field(name: "metadata", rule: .object),
    Field(name: "tags", rule: .strings),
    Field(name: "source_agent", rule: .stringOrNull),
    Field(name: "expiry_timestamp", rule: .expiry(stored: true)),
  ]

  private static let session: [Field] = [
    Field(name: "session_id", rule: .requiredString(isID: true)),
    Field(name: "user_id", rule: .stringOrNull),
    Field(name: "created_at", rule: .creation),
    Field(name: "last_activity", rule: .timeNow),
    Field(name: "context", rule: .object),
    Field(name: "conversation_history", rule: .strings),
    Field(name: "preferences", rule: .object),
    Field(name: "active", rule: .flag),
    Field(name: "expiry_timestamp", rule: .expiry(stored: false)),
  ]

  private static let knowledge: [Field] = [
    Field(name: "knowledge_id", rule: .requiredString(isID: true)),
    Field(name: "title", rule: .requiredString(isID: false)),
    Field(name: "content", rule: .content(allowsArray: false)),
    Field(name: "category", rule: .requiredString(isID: false)),
    Field(name: "confidence_score", rule: .confidence),
    Field(name: "created_at", rule: .creation),
    Field(name: "updated_at", rule: .timeOrNull),
    Field(name: "source", rule: .stringOrNull),
    Field(name: "related_items", rule: .strings),
    Field(name: "access_count", rule: .count),
    Field(name: "last_accessed", rule: .timeOrNull),
    Field(name: "expiry_timestamp", rule: .expiry(stored: false)),
  ]
}
