"""The numbers of fields: those that are in use in the field never change, and what is newer begins at 20."""

from __future__ import annotations

import pytest
from grpc_client import pb

# CONTRACT: section 3. `?` optional, `*` repeated, `|` one of a choice.
FIELDS = {
    "GetRequest": "1 string key, 2 ?string agent_id",
    "GetResponse": "1 bool found, 2 ?MemoryItem item, 3 string error, 20 ?string item_json",
    "PutRequest": "1 string key, 2 MemoryItem item, 3 ?string agent_id, 20 ?string item_json",
    "PutResponse": "1 bool success, 2 string error",
    "DeleteRequest": "1 string key, 2 ?string agent_id",
    "DeleteResponse": "1 bool success, 2 bool found, 3 string error",
    "BatchGetRequest": "1 *string keys, 2 ?string agent_id",
    "BatchGetResponse": "1 *map<string,MemoryItem> items, 2 *string missing_keys, 3 string error",
    "ExistsRequest": "1 string key",
    "ExistsResponse": "1 bool exists, 2 string error",
    "ListKeysRequest": "1 string prefix, 2 int32 limit",
    "ListKeysResponse": "1 *string keys, 2 string error",
    "HealthRequest": "",
    "HealthResponse": "1 string status, 2 string service, 3 string timestamp, "
                      "4 *map<string,ComponentHealth> components, 5 string error",
    "ComponentHealth": "1 bool healthy, 2 *map<string,string> info",
    "MemoryItem": "1 string key, 2 |string text_content, 3 |string json_content, 4 string memory_type, "
                  "5 string timestamp, 6 ?string updated_at, 7 *map<string,string> metadata, 8 *string tags, "
                  "9 ?string source_agent, 10 ?string expiry_timestamp, 20 ?string item_json",
    "SessionData": "1 string session_id, 2 ?string user_id, 3 string created_at, 4 string last_activity, "
                   "5 *map<string,string> context, 6 *string conversation_history, 7 *map<string,string> preferences, "
                   "8 bool active",
    "KnowledgeRecord": "1 string knowledge_id, 2 string title, 3 |string text_content, 4 |string json_content, "
                       "5 string category, 6 float confidence_score, 7 string created_at, 8 ?string updated_at, "
                       "9 ?string source, 10 *string related_items, 11 int32 access_count, 12 ?string last_accessed",
    "MemoryEvent": "1 string event_id, 2 string event_type, 3 string target_key, 4 string timestamp, "
                   "5 ?string agent_id, 6 ?string payload, 7 ?string previous_value, 8 ?int32 sequence_number, "
                   "9 ?string correlation_id, 20 uint64 revision",
}
TYPES = {2: "float", 1: "double", 4: "uint64", 5: "int32", 8: "bool", 9: "string", 13: "uint32"}


def kind(field) -> str:
    if field.message_type is None:
        return TYPES[field.type]
    if field.message_type.GetOptions().map_entry:
        parts = field.message_type.fields_by_name
        return f"map<{kind(parts['key'])},{kind(parts['value'])}>"
    return field.message_type.name


def mark(field) -> str:
    if field.is_repeated:
        return "*"
    choice = field.containing_oneof
    if choice is None:
        return ""
    return "?" if len(choice.fields) == 1 else "|"


@pytest.mark.parametrize("name", FIELDS)
def test_a_message_has_the_fields_of_the_contract(name: str) -> None:
    wanted = [line for line in FIELDS[name].split(", ") if line]
    there = [
        f"{field.number} {mark(field)}{kind(field)} {field.name}"
        for field in pb.DESCRIPTOR.message_types_by_name[name].fields]
    numbers = {line.split(" ")[0] for line in wanted}
    assert [line for line in there if line.split(" ")[0] in numbers] == wanted
    assert all(int(line.split(" ")[0]) >= 20 for line in there if line not in wanted)


def test_messages_that_are_new_begin_at_20() -> None:
    for name, message in pb.DESCRIPTOR.message_types_by_name.items():
        if name not in FIELDS:
            assert all(field.number >= 20 for field in message.fields), name


def test_the_service_has_the_methods_of_the_contract() -> None:
    service = pb.DESCRIPTOR.services_by_name["MemoryFusionService"]
    assert service.full_name == "memory_fusion.MemoryFusionService"
    methods = {method.name: method for method in service.methods}
    assert set(methods) == {
        "Get", "Put", "Delete", "BatchGet", "Exists", "ListKeys", "GetHealth", "Batch", "History", "Checksum", "Watch"}
    for name, method in methods.items():
        assert method.server_streaming == (name == "Watch") and not method.client_streaming
