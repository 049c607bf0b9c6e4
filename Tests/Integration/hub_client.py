"""Clients of a hub over pyzmq: a REQ socket that asks, and a DEALER socket that pipelines."""

from __future__ import annotations

import json
from typing import Any

import zmq

REPLY_SECONDS = 20


def digits(text: str) -> tuple[str, str]:
    return ("number", text)


def exact(text: str | bytes) -> Any:
    """JSON with numbers as their digits: nothing is rounded, and 1.0 is not 1.00."""
    return json.loads(text, parse_int=digits, parse_float=digits)


def raw_item(reply: bytes) -> bytes:
    """The item's bytes in the reply to a get."""
    start = reply.index(b'"item":') + len(b'"item":')
    return reply[start : reply.rindex(b',"revision":')]


def encoded(fields: dict) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


class Refused(AssertionError):
    """The hub's answer is an error where a success was expected."""

    def __init__(self, reply: dict):
        super().__init__(f"{reply.get('code')}: {reply.get('error')}")
        self.reply = reply


class Client:
    def __init__(self, address: str, kind: int, agent: str | None = None):
        self.agent = agent
        self.context = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.linger = 0
        self.socket.rcvtimeo = REPLY_SECONDS * 1_000
        self.socket.sndhwm = 0
        self.socket.rcvhwm = 0
        self.socket.connect(address)

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.context.destroy(linger=0)

    def request(self, action: str, fields: dict) -> bytes:
        agent = {"agent_id": self.agent} if self.agent and "agent_id" not in fields else {}
        return encoded({"action": action, **agent, **fields})


class Hub(Client):
    """One question at a time."""

    def __init__(self, address: str, agent: str | None = None):
        super().__init__(address, zmq.REQ, agent)

    def send_bytes(self, body: bytes) -> bytes:
        self.socket.send(body)
        return self.socket.recv()

    def reply(self, action: str, **fields: Any) -> dict:
        return json.loads(self.send_bytes(self.request(action, fields)))

    def ask(self, action: str, **fields: Any) -> dict:
        """The result of a request that succeeds."""
        reply = self.reply(action, **fields)
        if not reply["success"]:
            raise Refused(reply)
        assert list(reply)[:3] == ["success", "action", "result"] and reply["action"] == action
        return reply["result"]

    def refusal(self, action: str, **fields: Any) -> dict:
        """The reply to a request that is refused."""
        return refused(self.reply(action, **fields))

    def get_raw(self, key: str) -> bytes:
        return raw_item(self.send_bytes(self.request("get", {"key": key})))


class Pipeline(Client):
    """Many requests under way on one connection; replies come in their order."""

    def __init__(self, address: str, agent: str | None = None):
        super().__init__(address, zmq.DEALER, agent)

    def send(self, action: str, **fields: Any) -> None:
        self.send_frames([b"", self.request(action, fields)])

    def send_frames(self, frames: list[bytes]) -> None:
        self.socket.send_multipart(frames)

    def receive_frames(self) -> list[bytes]:
        return self.socket.recv_multipart()

    def receive(self) -> dict:
        return json.loads(self.receive_frames()[-1])

    def has_reply(self, milliseconds: int) -> bool:
        return bool(self.socket.poll(milliseconds))


def refused(reply: dict) -> dict:
    """An error as the contract words it."""
    assert reply["success"] is False, f"a success where an error was expected: {reply}"
    assert list(reply)[:4] == ["success", "action", "error", "code"] and "timestamp" in reply
    assert reply["error"] and "\n" not in reply["error"]
    return reply
