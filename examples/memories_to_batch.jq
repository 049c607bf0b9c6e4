# Turns memories of the older service (one JSON object a line, as get_memory gives them) into operations of mfh batch:
#   jq -c -f examples/memories_to_batch.jq memories.jsonl > operations.jsonl
# With if_revision 0 a memory that is there already, because an agent has written it since, refuses its batch instead of being
# overwritten.

# Seconds since 1970, with a fraction, as RFC 3339 with microseconds.
def time: (. * 1000000 | round) as $us
  | ($us / 1000000 | floor | strftime("%Y-%m-%dT%H:%M:%S")) + "." + (1000000 + ($us % 1000000) | tostring | .[1:]) + "Z";

{op: "put", key: .memory_id, if_revision: 0, item: {
  key: .memory_id, content: .content, memory_type: (.memory_type // "general"), timestamp: (.created_at | time),
  tags: (.tags // []), source_agent: .created_by, expiry_timestamp: (if .expires_at == null then null else .expires_at | time end),
  metadata: ((.metadata // {}) + {
    memory_tier: (.memory_tier // "short"), importance: (.importance // 0.5), access_count: (.access_count // 0),
    last_accessed_at: .last_accessed_at, relationships: (.relationships // {}), parent_id: .parent_id})}}
