"""A first conversation with a hub: remember something, read it back, see who else knows about it.

    pip install pyzmq
    python3 examples/first_conversation.py [tcp://127.0.0.1:5713]
"""

import json
import sys

import zmq

hub = zmq.Context.instance().socket(zmq.REQ)
hub.connect(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5713")
hub.rcvtimeo = 5_000  # milliseconds; without it a hub that is not there is waited for
hub.linger = 0


def ask(action: str, **fields) -> dict:
    hub.send_string(json.dumps({"action": action, "agent_id": "iris", **fields}))
    try:
        reply = json.loads(hub.recv())
    except zmq.Again:
        sys.exit("no hub answers there: start one with scripts/run, or name its address")
    if not reply["success"]:
        sys.exit(f"{reply['code']}: {reply['error']}")
    return reply["result"]


print(ask("put", key="garden/wish", item={"content": "Grow a lemon tree", "tags": ["wish"]}))
print(ask("get", key="garden/wish"))
print(ask("list_keys", prefix="garden/"))
