"""ZMTP 3.0 without security, by hand: for clients that a library would keep from misbehaving."""

from __future__ import annotations

import socket
import struct

GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)


def command(name: bytes, body: bytes) -> bytes:
    content = bytes([len(name)]) + name + body
    return b"\x04" + bytes([len(content)]) + content


def property_(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def ready(name: bytes) -> bytes:
    return command(b"READY", property_(b"Socket-Type", b"DEALER") + property_(b"Identity", name))


READY = ready(b"")


def receive_exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        assert part, "the hub closed the connection"
        received += part
    return received


def shake_hands(connection: socket.socket, name: bytes = b"") -> None:
    """As a DEALER. Messages may follow only when the hub's READY has come."""
    connection.sendall(GREETING)
    receive_exactly(connection, 64)
    connection.sendall(ready(name))
    [_, size] = receive_exactly(connection, 2)
    assert receive_exactly(connection, size)[1:6] == b"READY"


def framed(body: bytes) -> bytes:
    """A message of the empty delimiter and one body."""
    size = b"\x00" + bytes([len(body)]) if len(body) < 256 else b"\x02" + struct.pack(">Q", len(body))
    return b"\x01\x00" + size + body
