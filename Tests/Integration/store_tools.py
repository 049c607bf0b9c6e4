"""Runs the tools that work on stores, and makes hubs with a past for them."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

from hub_client import Hub
from hub_server import program


def run(name: str, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [program(name), *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, f"{name}: exit {done.returncode}: {done.stdout}{done.stderr}"
    # One error is one line, and nothing but results goes to standard output.
    assert "Traceback" not in done.stderr and "Fatal error" not in done.stderr
    return done


def last_object(done: subprocess.CompletedProcess[str]) -> dict:
    return json.loads(done.stdout.splitlines()[-1])


def verify(directory: Path, code: int = 0) -> dict:
    return last_object(run("logstore-verify", directory, "--format", "json", code=code))


def replay(source: Path, target: Path, *options: object, code: int = 0) -> dict:
    done = run("logstore-replay", source, "--target", target, "--format", "json", *options, code=code)
    return last_object(done) if done.stdout else {}


def told(hub: Hub) -> dict:
    """The hub's checksum, as the tools tell it."""
    return hub.ask("checksum")


def write_past(hub: Hub, count: int, seed: int = 1) -> list[dict]:
    """Random writes by three agents; what the hub told after each."""
    chance = random.Random(seed)
    past = [told(hub)]
    for number in range(count):
        key = f"key/{chance.randrange(10)} ü\"\\"
        agent = chance.choice(["planner", "coder", "critic"])
        match chance.randrange(5):
            case 0: hub.ask("delete", key=key, agent_id=agent)
            case 1:
                operations = [{"op": "put", "key": f"{key}{i}", "item": {"content": "b"}} for i in range(3)]
                hub.ask("batch", operations=operations, agent_id=agent)
            case _: hub.ask("put", key=key, item={"content": f"{number}"}, agent_id=agent)
        past.append(told(hub))
    return past


def same(result: dict, told: dict) -> bool:
    return {name: result[name] for name in ("revision", "keys", "checksum")} == told


def segments(directory: Path) -> list[Path]:
    return sorted((directory / "segments").glob("*.seg"))


def flip(file: Path, offset: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(offset)
        byte = opened.read(1)[0]
        opened.seek(offset)
        opened.write(bytes([byte ^ 1]))
