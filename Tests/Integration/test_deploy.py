"""What is under deploy/: configurations that the hub takes, units that are tight and that it can live in, rules and panels
that Prometheus understands, and the commands that the container runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml
from hub_client import Hub
from hub_server import ROOT, Server, program

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
HUB_UNITS = [unit for unit in UNITS if unit.stem in ("mfh", "mfh@")]


def run(*words: object, code: int = 0, **process) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, **process)
    assert done.returncode == code, f"{words}: exit {done.returncode}: {done.stdout}{done.stderr}"
    return done


def clean_environment(**variables: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MFH_")} | variables


# --- Configurations


@pytest.mark.parametrize("path", sorted((DEPLOY / "config").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_hub_takes_each_sample_configuration(path: Path, tmp_path: Path) -> None:
    key = tmp_path / "head.key"
    run(program("mfh"), "keys", key, "--create", "--name", "hub")
    environment = clean_environment(MFH_API_KEY="0123456789abcdef", MFH_HEAD_KEY=str(key))
    shown = run(program("mfh-server"), "--config", path, "--check-config", env=environment).stdout
    given, effective = yaml.safe_load(path.read_text()), yaml.safe_load(shown)
    assert "0123456789abcdef" not in shown
    # Each setting of the file counts: none is only a comment that looks like one.
    for section, settings in given.items():
        assert set(settings) <= set(effective[section])
    assert effective["storage"]["durability"] == given["storage"]["durability"]


def test_an_open_address_needs_the_key() -> None:
    environment = clean_environment()
    done = run(program("mfh-server"), "--config", DEPLOY / "config/fleet.yaml", "--check-config", code=78,
               env=environment)
    assert "MFH_API_KEY" in done.stderr


def test_two_hubs_on_one_host_share_nothing() -> None:
    first, second = (yaml.safe_load((DEPLOY / f"config/hub-{name}.yaml").read_text()) for name in "ab")
    ports = [{value for name, value in hub["server"].items() if name.endswith("_port")} for hub in (first, second)]
    assert len(ports[0]) == len(ports[1]) == 3 and not ports[0] & ports[1]
    assert first["storage"]["data_dir"] != second["storage"]["data_dir"]


# --- Units


def settings(unit: Path) -> list[tuple[str, str]]:
    lines = [line for line in unit.read_text().splitlines() if line and line[0] not in "#["]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_no_unit_is_exposed(unit: Path, tmp_path: Path) -> None:
    """Tenths: 2.0 of 10, where 9 is a service without any protection. The reports do with less than the hub."""
    threshold = 15 if unit in HUB_UNITS else 30
    copy = tmp_path / unit.name.replace("@", "@a")
    copy.write_text(unit.read_text())
    run("systemd-analyze", "security", "--offline=true", f"--threshold={threshold}", "--no-pager", copy)


@cache
def calls_of_group(name: str) -> frozenset[str]:
    found: set[str] = set()
    for line in run("systemd-analyze", "--no-pager", "syscall-filter", name).stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= calls_of_group(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return frozenset(found)


def allowed_calls(unit: Path) -> set[str]:
    allowed: set[str] = set()
    for name, value in settings(unit):
        if name == "SystemCallFilter":
            for group in value.removeprefix("~").split():
                allowed = allowed - calls_of_group(group) if value[0] == "~" else allowed | calls_of_group(group)
    return allowed


def test_the_hub_can_live_in_its_unit(tmp_path: Path) -> None:
    """Every system call that it makes is one of those that the unit allows; it makes no memory executable, looks into no part
    of /proc that is hidden, and writes nowhere but to its store."""
    store, trace = tmp_path / "store", tmp_path / "trace"
    server = Server(store, prefix=["strace", "-f", "-qq", "-o", trace]).start()
    with Hub(server.address, agent="tester") as hub:
        hub.ask("put", key="k", item={"content": "x"})
        for action in ("snapshot", "compact", "stats", "health"):
            hub.ask(action)
    server.process.terminate()
    # strace hands a signal on to nobody: the hub is its only child.
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), 15)
    server.process.wait(20)
    text = trace.read_text()
    called = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z0-9_]+)(?:\(| resumed)", text, re.M))
    assert {"fdatasync", "futex", "epoll_wait"} & called and len(called) > 30
    families = {"AF_LOCAL" if family == "AF_UNIX" else family for family in re.findall(r"socket\((AF_\w+)", text)}
    for unit in HUB_UNITS:
        assert called <= allowed_calls(unit) | {"execve"}
        allowed = dict(settings(unit))["RestrictAddressFamilies"].replace("AF_UNIX", "AF_LOCAL").split()
        # libzmq ends the process when it can not ask for the interfaces.
        assert "AF_NETLINK" in families and families <= set(allowed)
    assert not re.findall(r"mprotect\(.*PROT_EXEC|mmap\(.*PROT_WRITE\|PROT_EXEC", text)
    assert not [path for path in re.findall(r'openat\(AT_FDCWD, "(/proc/[^"]*)"', text) if "/self/" not in path]
    opened = re.findall(r'openat\(AT_FDCWD, "([^"]*)", [^)\n]*(?:O_WRONLY|O_RDWR|O_CREAT)', text)
    assert [path for path in opened if not path.startswith(str(store))] == []


def test_the_template_is_the_unit_for_one_more_name() -> None:
    one, template = (dict(settings(unit)) for unit in HUB_UNITS)
    differ = {name for name in one if one[name] != template[name]}
    assert set(one) == set(template)
    assert differ == {"Description", "ExecStart", "EnvironmentFile", "StateDirectory", "MemoryMax"}
    assert "/etc/mfh/%i.yaml" in template["ExecStart"] and template["StateDirectory"] == "mfh mfh/%i"


def test_a_restart_is_tried_only_where_it_can_help() -> None:
    """CONTRACT: exit codes."""
    for unit in HUB_UNITS:
        given = dict(settings(unit))
        assert given["RestartPreventExitStatus"].split() == ["64", "65", "66", "73", "77", "78"]
        assert given["Type"] == "notify" and given["Restart"] == "on-failure" and "WatchdogSec" in given
        assert given["User"] == "mfh" and "MemoryMax" in given and given["LimitCORE"] == "0"


# --- Prometheus and Grafana

# What the rules and panels ask for. CONTRACT: section 4 names the first ten; the others are told in docs/operations.
METRICS = {
    "mfh_requests_total", "mfh_request_duration_seconds", "mfh_errors_total", "mfh_events_published_total",
    "mfh_event_log_size", "mfh_memory_items_count", "mfh_concurrent_requests", "mfh_active_connections",
    "mfh_circuit_breaker_state", "mfh_health_check_status",
    "mfh_active_segment_bytes", "mfh_commit_batch_size", "mfh_cpu_seconds_total", "mfh_epoch",
    "mfh_fsync_duration_seconds", "mfh_index_bytes", "mfh_index_keys", "mfh_oldest_write_wait_seconds",
    "mfh_queue_depth", "mfh_read_only", "mfh_reads_lost_total", "mfh_ready", "mfh_replies_dropped_total",
    "mfh_resident_memory_bytes", "mfh_segment_bytes", "mfh_segments", "mfh_segments_packed", "mfh_segments_to_pack",
    "mfh_tree_lag_seconds", "mfh_uptime_seconds",
}


def dashboard_expressions() -> list[str]:
    board = json.loads((DEPLOY / "grafana/memory-fusion-hub.json").read_text())
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return found + [annotation["expr"] for annotation in board["annotations"]["list"]]


def rule_expressions() -> list[str]:
    groups = yaml.safe_load((DEPLOY / "prometheus/mfh.rules.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def test_rules_and_panels_ask_for_these_figures_only() -> None:
    text = "\n".join(dashboard_expressions() + rule_expressions())
    # Those with a colon are the rules' own.
    named = set(re.findall(r"(?<![:\w])mfh_[a-z0-9_]+(?!\w*:)", text))
    assert {re.sub(r"_(bucket|sum|count)$", "", name) if name != "mfh_memory_items_count" else name
            for name in named} == METRICS


def test_the_hub_has_these_figures(tmp_path: Path) -> None:
    server = Server(tmp_path / "store", "--metrics-port", "auto", "--config", DEPLOY / "config/development.yaml")
    server.launch()
    line = server.process.stdout.readline()
    address = next((word[5:] for word in line.split() if word.startswith("http=")), None)
    try:
        if address is None:
            pytest.skip("this version of the hub has no HTTP listener")
        from urllib.request import urlopen

        with urlopen(address.rstrip("/") + "/metrics", timeout=20) as page:
            told = set(re.findall(r"^# (?:TYPE|HELP) (\S+)", page.read().decode(), re.M))
        # This one is there only where reads are recorded.
        assert METRICS - told <= {"mfh_reads_lost_total"}
    finally:
        server.end()


def test_the_rules_are_sound_and_fire_when_they_should() -> None:
    run("promtool", "check", "config", DEPLOY / "prometheus/prometheus.yml")
    run("promtool", "test", "rules", DEPLOY / "prometheus/mfh.rules.test.yml")


def test_every_alert_is_explained() -> None:
    rules = (DEPLOY / "prometheus/mfh.rules.yml").read_text()
    names = re.findall(r"- alert: (\w+)", rules)
    told = re.findall(r"^\| `(Hub\w+)` \|", (ROOT / "docs/operations/monitoring.md").read_text(), re.M)
    assert names and names == told


def test_prometheus_understands_every_panel(tmp_path: Path) -> None:
    expressions = [expr.replace("$__rate_interval", "5m").replace("$instance", ".*")
                   for expr in dashboard_expressions()]
    assert len(expressions) > 25
    rules = [{"record": f"panel:expression:{number}", "expr": expr} for number, expr in enumerate(expressions)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    run("promtool", "check", "rules", file)
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": [{"record": "x:y:z", "expr": "rate(a[5m]"}]}]}))
    run("promtool", "check", "rules", file, code=1)


def test_panels_do_not_overlap_and_name_the_data_source() -> None:
    board = json.loads((DEPLOY / "grafana/memory-fusion-hub.json").read_text())
    source = yaml.safe_load((DEPLOY / "grafana/datasource.yaml").read_text())["datasources"][0]
    taken: set[tuple[int, int]] = set()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken and all(x < 24 for x, _ in cells)
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == source["uid"]


# --- Container


def instructions() -> dict[str, str]:
    """The last of each kind: that of the stage that is run."""
    text = re.sub(r"\\\n", " ", (DEPLOY / "docker/Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def test_what_the_container_runs(tmp_path: Path) -> None:
    told = instructions()
    command = json.loads(told["ENTRYPOINT"]) + json.loads(told["CMD"])
    assert command == ["mfh-server", "--config", "/etc/mfh/hub.yaml"] and told["USER"] == "mfh"
    command[-1] = str(DEPLOY / "config/hub.yaml")
    name, _, bind = told["ENV"].partition("=")
    environment = clean_environment(**{name: bind, "MFH_DATA_DIR": str(tmp_path / "store"), "MFH_ZMQ_PORT": "auto",
                                       "MFH_GRPC_PORT": "0", "MFH_METRICS_PORT": "0"})
    # Without a key nothing that others can reach is opened.
    refused = run(program(command[0]), *command[1:], code=78, env=environment)
    assert "MFH_API_KEY" in refused.stderr
    environment["MFH_API_KEY"] = "0123456789abcdef"
    hub = subprocess.Popen([program(command[0]), *command[1:]], env=environment, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True)
    try:
        port = re.search(r"zmq=tcp://0\.0\.0\.0:(\d+)", hub.stdout.readline()).group(1)
        check = json.loads(told["HEALTHCHECK"].split("CMD ", 1)[1])
        run(program(check[0]), *check[1:], env=environment | {"MFH_HUB": f"tcp://127.0.0.1:{port}"})
    finally:
        hub.terminate()
    assert hub.wait(20) == 0
    run(program(check[0]), *check[1:], code=69,
        env=environment | {"MFH_HUB": f"tcp://127.0.0.1:{port}"})


def test_the_compose_file_is_whole() -> None:
    compose = yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())
    hub = compose["services"]["hub"]
    # Without the variable compose refuses to start, instead of starting without a key.
    assert re.fullmatch(r"\$\{MFH_API_KEY:\?.+\}", hub["environment"]["MFH_API_KEY"])
    assert all(port.startswith("127.0.0.1:") for service in compose["services"].values()
               for port in service.get("ports", []))
    assert hub["read_only"] and hub["cap_drop"] == ["ALL"] and hub["mem_limit"]
    named = {volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])}
    for name in named:
        there = (DEPLOY / "docker" / name).exists() if name.startswith(".") else name in compose["volumes"]
        assert there, name
    assert (DEPLOY / "docker" / hub["build"]["context"]).resolve() == ROOT
    assert (ROOT / hub["build"]["dockerfile"]).exists()


def test_the_dockerfile_has_no_faults() -> None:
    run("hadolint", DEPLOY / "docker/Dockerfile", env=clean_environment(PATH=f"{ROOT}/.build/venv/bin:{os.environ['PATH']}"))


def test_shell_scripts_have_no_faults() -> None:
    scripts = [*(ROOT / "scripts").glob("*_*.sh"), ROOT / "scripts/package-deb", *(DEPLOY / "debian").glob("p*")]
    assert len(scripts) == 7
    run("shellcheck", "-x", "-e", "SC1091", "-P", ROOT / "scripts", *scripts)
