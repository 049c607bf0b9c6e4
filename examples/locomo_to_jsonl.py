"""Turns a file of LoCoMo conversations into JSON lines for load_items.py.

    python3 examples/locomo_to_jsonl.py locomo10.json > locomo.jsonl

LoCoMo (Maharana et al., "Evaluating Very Long-Term Conversational Memory of LLM Agents", ACL 2024) is published at
https://github.com/snap-research/locomo under CC BY-NC 4.0. It is not a part of this project.

A turn becomes a MemoryItem under <sample>/<session>/<dia_id>, written by its speaker; a session becomes SessionData
under <sample>/<session>, written by who speaks first; an observation becomes a KnowledgeRecord under
<sample>/<session>/observation/<speaker>/<number>, written by the speaker whom it is about.
"""

import json
import re
import sys
from collections.abc import Iterator
from datetime import datetime


def entry(key: str, agent: str, item: dict) -> dict:
    return {"key": key, "agent_id": agent, "item": item}


def turns(session: str, spoken: list[dict], time: str) -> Iterator[dict]:
    for turn in spoken:
        rest = {name: value for name, value in turn.items() if name != "text"}
        yield entry(f"{session}/{turn['dia_id']}", turn["speaker"], {
            "content": turn["text"], "memory_type": "conversation", "timestamp": time, "metadata": rest,
            "source_agent": turn["speaker"]})


def observations(session: str, by_speaker: dict[str, list], time: str) -> Iterator[dict]:
    for speaker, observed in by_speaker.items():
        for number, (text, evidence) in enumerate(observed, 1):
            key = f"{session}/observation/{speaker}/{number}"
            heard_in = [evidence] if isinstance(evidence, str) else evidence
            yield entry(key, speaker, {
                "knowledge_id": key, "title": f"About {speaker}", "content": text, "category": "observation",
                "created_at": time, "source": session,
                "related_items": [f"{session}/{dia_id}" for dia_id in heard_in]})


def sample(data: dict) -> Iterator[dict]:
    conversation = data["conversation"]
    for name in sorted(filter(re.compile(r"session_\d+$").match, conversation), key=lambda name: int(name[8:])):
        spoken = conversation[name]
        time = datetime.strptime(conversation[f"{name}_date_time"], "%I:%M %p on %d %B, %Y").isoformat() + "Z"
        session = f"{data['sample_id']}/{name}"
        speakers = [conversation["speaker_a"], conversation["speaker_b"]]
        context = {"speakers": speakers, "summary": data["session_summary"].get(f"{name}_summary")}
        yield entry(session, spoken[0]["speaker"] if spoken else speakers[0], {
            "session_id": session, "created_at": time, "last_activity": time, "context": context,
            "conversation_history": [f"{session}/{turn['dia_id']}" for turn in spoken], "active": False})
        yield from turns(session, spoken, time)
        yield from observations(session, data["observation"].get(f"{name}_observation", {}), time)


def main() -> None:
    if len(sys.argv) != 2:
        print("usage: locomo_to_jsonl.py FILE > OUT", file=sys.stderr)
        sys.exit(64)
    with open(sys.argv[1], encoding="utf-8") as file:
        for data in json.load(file):
            for line in sample(data):
                print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
