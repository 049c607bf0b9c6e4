"""Rounds of: clients write over several connections, kill -9 of the hub at a random moment, restart, compare.

A connection has several writes under way. The hub takes them in order, and commits in order, so after a crash the
state of a connection's keys must be what its acknowledged writes made, plus the first few of the others (none, some or
all), each wholly. Then the others are repeated with their request ids: each must take effect exactly once.
"""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from hub_client import Hub, Pipeline
from hub_server import Server

CONNECTIONS = 4
KEYS = 12
IN_FLIGHT = 6
LIFE_SECONDS = 0.25


class LostWrite(AssertionError):
    """What an acknowledged write stored is not there, or something else is."""


@dataclass
class Write:
    action: str
    fields: dict
    # What it makes of each key: the content, or nothing.
    effects: dict[str, str | None]
    conflicts: bool = False


State = dict[str, str]  # key: content


def applied(state: State, write: Write) -> State:
    after = dict(state)
    for key, content in write.effects.items():
        if content is None:
            after.pop(key, None)
        else:
            after[key] = content
    return after


@dataclass
class Counts:
    rounds: int = 0
    ended_starts: int = 0
    acknowledged: int = 0
    conflicts: int = 0
    unanswered: int = 0
    unanswered_stored: int = 0
    by_action: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        actions = ", ".join(f"{count} {name}" for name, count in sorted(self.by_action.items()))
        return (
            f"{self.rounds} rounds and {self.ended_starts} ends during a start, {self.acknowledged} writes acknowledged "
            f"({actions}) and {self.conflicts} conflicts, {self.unanswered} unanswered of which {self.unanswered_stored} were stored; none lost")


class Writer:
    """One connection, its keys, and what it knows of them. The keys are its own; it lives through all rounds."""

    def __init__(self, number: int, seed: int, counts: Counts, disk_fails: bool = False):
        self.name = f"writer-{number}"
        self.disk_fails = disk_fails  # before the hub dies, so that writes may be answered with an error
        self.source = random.Random(f"{seed} {self.name}")
        self.counts = counts
        self.state: State = {}
        self.revisions: dict[str, int] = {}
        self.events: list[tuple[int, str, str | None]] = []  # revision, key, content
        self.waiting: deque[Write] = deque()
        self.serial = 0
        self.error: Exception | None = None

    # --- What to write

    def next_write(self) -> Write:
        self.serial += 1
        busy = {key for write in self.waiting for key in write.effects}
        keys = [f"{self.name}/{number}" for number in range(KEYS)]
        key = self.source.choice(keys)
        kind = self.source.choices(["put", "delete", "batch", "conditional", "conflict"], [40, 15, 15, 25, 5])[0]
        identity = {"request_id": f"{self.name}-{self.serial}"}
        content = f"{self.serial} " + "x" * int(10 ** self.source.uniform(0, 4))
        put = {"key": key, "item": {"content": content}}
        # A delete that finds nothing takes no revision, so the hub does not remember it, and repeating it after a later
        # put would delete that: only what is there is deleted.
        if kind == "delete" and key in self.state and key not in busy:
            return Write("delete", {"key": key, **identity}, {key: None})
        if kind == "batch":
            chosen = self.source.sample(keys, 4)
            contents = [None if self.source.random() < 0.4 else f"{content} {one}" for one in chosen]
            contents[0] = content  # So that it takes a revision.
            operations = [
                {"op": "delete", "key": one} if text is None else {"op": "put", "key": one, "item": {"content": text}}
                for one, text in zip(chosen, contents)]
            return Write("batch", {"operations": operations, **identity}, dict(zip(chosen, contents)))
        # Only where nothing is under way is the revision known.
        if kind == "conditional" and key not in busy:
            return Write("put", {**put, "if_revision": self.revisions.get(key, 0), **identity}, {key: content})
        if kind == "conflict" and key not in busy:
            wrong = self.revisions.get(key, 0) + 1_000_000
            return Write("put", {**put, "if_revision": wrong, **identity}, {}, conflicts=True)
        return Write("put", {**put, **identity}, {key: content})

    # --- Writing

    def write_until(self, address: str, stopped: threading.Event) -> None:
        try:
            with Pipeline(address, self.name) as connection:
                connection.socket.reconnect_ivl = -1
                while not stopped.is_set():
                    while len(self.waiting) < IN_FLIGHT:
                        write = self.next_write()
                        connection.send(write.action, **write.fields)
                        self.waiting.append(write)
                    if connection.has_reply(20) and not self.took(connection.receive()):
                        return
                # What the hub had sent before it died has arrived by now, or will in a moment.
                while self.waiting and connection.has_reply(20) and self.took(connection.receive()):
                    pass
        except Exception as error:
            self.error = error

    def took(self, reply: dict) -> bool:
        """Takes a reply; false when it tells that the disk has failed: nothing is known then of all that waits."""
        if self.disk_fails and reply.get("code") in ("storage_error", "read_only"):
            return False
        self.take(reply)
        return True

    def take(self, reply: dict) -> None:
        write = self.waiting.popleft()
        if reply.get("request_id") != write.fields["request_id"]:
            raise LostWrite(f"{self.name}: a reply out of its order: {reply}, expected {write.fields['request_id']}")
        if write.conflicts:
            if reply.get("code") != "conflict":
                raise LostWrite(f"{self.name}: no conflict but {reply}")
            self.counts.conflicts += 1
            return
        if not reply["success"]:
            raise LostWrite(f"{self.name}: {write.action} was refused: {reply}")
        if reply["action"] != "delete" and '"durability":"fsync"' not in json.dumps(reply, separators=(",", ":")):
            if any(content is not None for content in write.effects.values()):
                raise LostWrite(f"{self.name}: not acknowledged with fsync: {reply}")
        self.counts.acknowledged += 1
        self.counts.by_action[write.action] = self.counts.by_action.get(write.action, 0) + 1
        self.note(write, reply["result"])

    def note(self, write: Write, result: dict) -> None:
        results = result["results"] if write.action == "batch" else [result]
        for (key, content), one in zip(write.effects.items(), results, strict=True):
            if content is not None or one["found"]:
                self.events.append((one["revision"], key, content))
            if content is None:
                self.revisions.pop(key, None)
            else:
                self.revisions[key] = one["revision"]
        self.state = applied(self.state, write)

    # --- Comparing

    def check(self, hub: Hub) -> None:
        """After the restart: the state is that of the acknowledged writes, and of a beginning of the others."""
        found, revisions = self.read(hub)
        state, stored = self.state, None
        for count in range(len(self.waiting) + 1):
            if state == found:
                stored = count
            if count < len(self.waiting):
                state = applied(state, self.waiting[count])
        if stored is None:
            raise LostWrite(
                f"{self.name}: the hub has {brief(found)}, acknowledged is {brief(self.state)}, under way were "
                f"{[brief(write.effects) for write in self.waiting]}")
        touched = {key for write in self.waiting for key in write.effects}
        for key in found.keys() - touched:
            if revisions[key] != self.revisions[key]:
                raise LostWrite(f"{self.name}: {key} has revision {revisions[key]}, not {self.revisions[key]}")
        self.counts.unanswered += len(self.waiting)
        self.counts.unanswered_stored += stored
        self.repeat(hub)

    def read(self, hub: Hub) -> tuple[State, dict[str, int]]:
        keys = [f"{self.name}/{number}" for number in range(KEYS)]
        listed = hub.ask("list_keys", prefix=f"{self.name}/", limit=10_000)["keys"]
        result = hub.ask("batch_get", keys=keys)
        if sorted(result["items"]) != listed:
            raise LostWrite(f"{self.name}: list_keys tells {listed}, batch_get {sorted(result['items'])}")
        return {key: item["content"] for key, item in result["items"].items()}, result["revisions"]

    def repeat(self, hub: Hub) -> None:
        """Every write without an answer once more, with its request id: stored or not, it counts once."""
        while self.waiting:
            write = self.waiting[0]
            self.take(json.loads(hub.send_bytes(hub.request(write.action, write.fields))))
        found, revisions = self.read(hub)
        if found != self.state or revisions != self.revisions:
            raise LostWrite(f"{self.name}: after the repeats the hub has {brief(found)}, not {brief(self.state)}")


def brief(state: dict[str, str | None]) -> dict[str, str | None]:
    return {key: content if content is None else content[:20] for key, content in sorted(state.items())}


def one_round(
    server: Server, writers: list[Writer], life: float, before_restart=lambda: None, end=lambda: None
) -> None:
    """`end` is called while the clients write, just before the hub is killed."""
    stopped = threading.Event()
    threads = [threading.Thread(target=writer.write_until, args=[server.address, stopped]) for writer in writers]
    for thread in threads:
        thread.start()
    time.sleep(life)
    ended_by_itself = not server.is_running
    try:
        if not ended_by_itself:
            end()
    finally:
        server.kill()
        stopped.set()
    for thread in threads:
        thread.join()
    if ended_by_itself:
        raise LostWrite(f"the hub ended by itself: {server.log_text}")
    for writer in writers:
        if writer.error:
            raise writer.error
    before_restart()
    server.start()
    for writer in writers:
        with Hub(server.address, writer.name) as hub:
            writer.check(hub)


def check_the_log(server: Server, writers: list[Writer]) -> None:
    """The log tells each acknowledged event once, by its writer, and no revision is missing."""
    told = server.dump()
    if [event["sequence_number"] for event in told] != list(range(1, len(told) + 1)):
        raise LostWrite("the revisions in the log have gaps")
    by_revision = {event["sequence_number"]: event for event in told}
    if len(told) != sum(len(writer.events) for writer in writers):
        raise LostWrite(f"the log tells {len(told)} events, {sum(len(w.events) for w in writers)} were acknowledged")
    for writer in writers:
        for revision, key, content in writer.events:
            event = by_revision[revision]
            payload = event["payload"] and event["payload"]["content"]
            if (event["agent_id"], event["target_key"], payload) != (writer.name, key, content):
                raise LostWrite(f"revision {revision} is {event}, acknowledged was {writer.name} {key}")


# How many starts are killed before one is left to become ready, and within which time.
STARTS_ENDED = (0, 0, 0, 1, 2)
START_SECONDS = 0.08


def end_starts(server: Server, moments: list[float]) -> None:
    """Starts the hub and kills it, most often while it recovers."""
    for moment in moments:
        server.launch()
        time.sleep(moment)
        server.kill()


# Each restart leaves a segment behind, and reads what the ones before have left.
ROUNDS_A_STORE = 50


def run(directory: Path, rounds: int, seed: int, progress=lambda counts: None) -> Counts:
    """Raises LostWrite when anything is not as acknowledged."""
    counts = Counts()
    source = random.Random(seed)
    while counts.rounds < rounds:
        run_on(directory, min(ROUNDS_A_STORE, rounds - counts.rounds), source, counts, progress)
        if counts.rounds < rounds:
            shutil.rmtree(directory)
    return counts


def run_on(directory: Path, rounds: int, source: random.Random, counts: Counts, progress) -> None:
    seed = source.randrange(1 << 32)
    writers = [Writer(number, seed, counts) for number in range(CONNECTIONS)]
    server = Server(directory).start()
    try:
        for _ in range(rounds):
            starts = [source.uniform(0.0, START_SECONDS) for _ in range(source.choice(STARTS_ENDED))]
            one_round(server, writers, source.uniform(0.0, LIFE_SECONDS), lambda: end_starts(server, starts))
            counts.rounds += 1
            counts.ended_starts += len(starts)
            progress(counts)
        check_the_log(server, writers)
        server.stop()
    finally:
        if server.is_running:
            server.kill()
