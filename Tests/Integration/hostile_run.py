"""What hostile clients can do to a hub, measured: overload, half-open connections, what is too large, abuse of HTTP/2 and HTTP,
and malformed messages. Well-behaved clients run beside each part, and are compared with the same clients left alone.

A part has a hub of its own. A row that breaks its bound is marked, and the exit code is 1. Quantiles are exact. Take the times
from a machine that does nothing else. Exit codes: 0 every bound holds, 1 one is broken, 64 usage.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import hostile_connections
import hostile_garbage
import hostile_limit
import hostile_memory
import hostile_overload
import hostile_protocols
from hostile_figures import Report
from hub_server import Server

PARTS: dict[str, Callable[[Report, Server, argparse.Namespace], None]] = {
    "overload": lambda report, server, options: hostile_overload.run(report, server, options.seconds),
    "limit": lambda report, server, options: hostile_limit.run(report, server.directory.parent, options.seconds),
    "connections": lambda report, server, options: hostile_connections.run(
        report, server, options.connections, options.seconds, options.patience),
    "memory": lambda report, server, options: hostile_memory.run(report, server),
    "protocols": lambda report, server, options: hostile_protocols.run(report, server, options.seconds),
    "malformed": lambda report, server, options: hostile_garbage.run(report, server, options.messages, options.seed),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="hostile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    parser.add_argument("--seconds", type=float, default=10, help="how long each phase of a part is (default 10)")
    parser.add_argument("--connections", type=int, default=10_000, help="half-open ones on each port (default 10,000)")
    parser.add_argument("--patience", type=float, default=45, help="in how many seconds they have to be ended (default 45)")
    parser.add_argument("--messages", type=int, default=10_000, help="malformed ones of each kind (default 10,000)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of the malformed messages")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--directory", type=Path, help="for the stores; default is a temporary directory")
    options = parser.parse_args()
    parts = options.only.split(",")
    if unknown := set(parts) - set(PARTS):
        print(f"hostile: no part is called {sorted(unknown)[0]}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 64
    hostile_connections.raise_file_limit()
    report = Report(options.format == "json")
    load = "  ".join(f"{value:.2f}" for value in os.getloadavg())
    report.add("machine", "before", processors=os.cpu_count(), load_average=load)
    directory = Path(tempfile.mkdtemp(prefix="hostile-", dir=options.directory))
    for name in parts:
        server = Server(directory / name, "--grpc-port", "auto", "--metrics-port", "auto").start()
        try:
            PARTS[name](report, server, options)
            report.add(name, "the hub lives", "it does", server.is_running)
            server.stop()
        finally:
            if server.is_running:
                server.kill()
    shutil.rmtree(directory)
    report.add("machine", "after", load_average="  ".join(f"{value:.2f}" for value in os.getloadavg()))
    if report.broken:
        print(f"hostile: {len(report.broken)} bounds are broken", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
