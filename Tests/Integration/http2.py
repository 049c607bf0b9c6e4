"""HTTP/2 and gRPC by hand, as far as a client that misbehaves needs them: frames, and headers that are never compressed."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM = ACK = 1
END_HEADERS = 4
SERVICE = "/memory_fusion.MemoryFusionService/"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _integer(value: int, bits: int, first: int) -> bytes:
    top = (1 << bits) - 1
    if value < top:
        return bytes([first | value])
    value -= top
    out = [first | top]
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(name: str | bytes, value: str | bytes, index: bool = False) -> bytes:
    """A header, literal; with `index` the peer is to remember it."""
    name, value = (text.encode() if isinstance(text, str) else text for text in (name, value))
    return (b"\x40" if index else b"\x00") + _integer(len(name), 7, 0) + name + _integer(len(value), 7, 0) + value


def indexed(number: int) -> bytes:
    return _integer(number, 7, 0x80)


def call_headers(method: str, **more: str) -> bytes:
    fields = {":method": "POST", ":scheme": "http", ":path": SERVICE + method, ":authority": "hub",
              "content-type": "application/grpc", "te": "trailers", **more}
    return b"".join(field(name, value) for name, value in fields.items())


def message(body: bytes) -> bytes:
    return b"\0" + struct.pack(">I", len(body)) + body


class Connection:
    """Reads what the hub sends only in `frames` and `wait`, and keeps count of what the windows allow."""

    def __init__(self, port: int, seconds: float = 10, settings: bytes = b""):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.socket.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))
        self.windows = {0: 65_535}
        self.initial = 65_535
        self.buffer = b""
        self.is_closed = False
        self.goaway: bytes | None = None
        self.pongs = 0
        # What came for each stream: kind and flags.
        self.heard: dict[int, list[tuple[int, int, bytes]]] = {}

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            self.is_closed = True
            return False

    def frames(self, wait: float) -> Iterator[tuple[int, int, int, bytes]]:
        """Those that are there, or come within so many seconds."""
        self.socket.settimeout(max(wait, 0.001))
        try:
            part = self.socket.recv(1 << 18)
            self.is_closed = not part
            self.buffer += part
        except TimeoutError:
            pass
        except OSError:
            self.is_closed = True
        finally:
            self.socket.settimeout(10)
        while len(self.buffer) >= 9:
            length = int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < 9 + length:
                break
            kind, flags = self.buffer[3], self.buffer[4]
            stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
            payload = self.buffer[9:9 + length]
            self.buffer = self.buffer[9 + length:]
            self._note(kind, flags, stream, payload)
            yield kind, flags, stream, payload

    def _note(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                name, value = struct.unpack(">HI", payload[at:at + 6])
                if name == 4:
                    for number in self.windows:
                        if number:
                            self.windows[number] += value - self.initial
                    self.initial = value
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == PING:
            self.pongs += 1
        elif kind == WINDOW:
            self.windows[stream] = self.windows.get(stream, self.initial) + struct.unpack(">I", payload)[0]
        elif kind == GOAWAY:
            self.goaway = payload
        elif kind in (DATA, HEADERS, RESET):
            self.heard.setdefault(stream, []).append((kind, flags, payload))

    def pump(self, seconds: float = 0.0) -> None:
        end = time.monotonic() + seconds
        while not self.is_closed:
            for _ in self.frames(max(0.0, min(0.05, end - time.monotonic()))):
                pass
            if time.monotonic() >= end:
                return

    def wait_for_pong(self) -> None:
        """What was sent before has been read by then."""
        wanted = self.pongs + 1
        self.send(frame(PING, 0, 0, bytes(8)))
        end = time.monotonic() + 20
        while self.pongs < wanted:
            assert not self.is_closed and time.monotonic() < end, "no answer to a ping"
            self.pump(0.02)

    def is_over(self, stream: int) -> bool:
        return self.is_closed or self.goaway is not None or any(
            kind == RESET or flags & END_STREAM for kind, flags, _ in self.heard.get(stream, []))

    def begin(self, stream: int, method: str, **more: str) -> None:
        self.windows.setdefault(stream, self.initial)
        self.send(frame(HEADERS, END_HEADERS, stream, call_headers(method, **more)))

    def data(self, stream: int, body: bytes, end: bool = False, seconds: float = 20) -> int:
        """Sends it as the windows allow, until the stream is over or nothing goes on. Returns how much was sent."""
        sent = 0
        give_up = time.monotonic() + seconds
        while sent < len(body) and not self.is_over(stream) and time.monotonic() < give_up:
            room = min(16_384, self.windows[0], self.windows[stream], len(body) - sent)
            if room <= 0:
                self.pump(0.02)
                continue
            last = end and sent + room == len(body)
            if not self.send(frame(DATA, END_STREAM if last else 0, stream, body[sent:sent + room])):
                break
            self.windows[0] -= room
            self.windows[stream] -= room
            sent += room
            if sent % (1 << 18) < 16_384:
                self.pump()
        return sent
