/// The names of request fields, found by their bytes.
internal import Bytes

enum RequestField {
  case action, agentID, correlationID, requestID, apiKey, key, item, keys, operations, ifRevision, ttlSeconds
  case limit, prefix, startAfter, minRevision, waitMilliseconds, atRevision, atTime, beforeRevision, fromRevision
  case fromTime, revision, payload, reason, maxBytes

  /// The field of that name; nil for a name that means nothing here and is passed over.
  init?(_ name: RawSpan) {
    switch name.byteCount {
    case 3 where name.equals("key"): self = .key
    case 4 where name.equals("item"): self = .item
    case 4 where name.equals("keys"): self = .keys
    case 5 where name.equals("limit"): self = .limit
    case 6 where name.equals("action"): self = .action
    case 6 where name.equals("prefix"): self = .prefix
    case 6 where name.equals("reason"): self = .reason
    case 7 where name.equals("api_key"): self = .apiKey
    case 7 where name.equals("payload"): self = .payload
    case 7 where name.equals("wait_ms"): self = .waitMilliseconds
    case 7 where name.equals("at_time"): self = .atTime
    case 8 where name.equals("agent_id"): self = .agentID
    case 8 where name.equals("revision"): self = .revision
    case 9 where name.equals("from_time"): self = .fromTime
    case 9 where name.equals("max_bytes"): self = .maxBytes
    case 10 where name.equals("request_id"): self = .requestID
    case 10 where name.equals("operations"): self = .operations
    case 11 where name.equals("if_revision"): self = .ifRevision
    case 11 where name.equals("ttl_seconds"): self = .ttlSeconds
    case 11 where name.equals("start_after"): self = .startAfter
    case 11 where name.equals("at_revision"): self = .atRevision
    case 12 where name.equals("min_revision"): self = .minRevision
    case 13 where name.equals("from_revision"): self = .fromRevision
    case 14 where name.equals("correlation_id"): self = .correlationID
    case 15 where name.equals("before_revision"): self = .beforeRevision
    default: return nil
    }
  }
}
