"""The Debian package: installs, runs by its unit, is upgraded without loss, is removed and purged."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import package_root
import pytest
from hub_server import ROOT, program
from package_root import PackageRoot, Service

pytestmark = pytest.mark.skipif(package_root.problem() is not None, reason=str(package_root.problem()))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the programs that were built already."""
    done = subprocess.run(
        [ROOT / "scripts/package-deb", "--programs", program("mfh-server").parent, "--fast", "--version", "1.0",
         "--output", tmp_path_factory.mktemp("package")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def newer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a higher version."""
    tree = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "-R", package, tree / "root"], check=True)
    control = tree / "root/DEBIAN/control"
    control.write_text(control.read_text().replace("Version: 1.0\n", "Version: 1.1\n"))
    target = tree / "newer.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree / "root", target], check=True,
                   capture_output=True)
    return target


@pytest.fixture
def root() -> Iterator[PackageRoot]:
    with PackageRoot() as root:
        yield root


def install(root: PackageRoot, package: Path) -> None:
    root.copy_in(package, "/tmp/hub.deb")
    root.run("dpkg", "--install", "/tmp/hub.deb")


def start(root: PackageRoot) -> Service:
    """As the unit does, with a free port: user, directory, command."""
    unit = dict(line.split("=", 1) for line in root.run("cat", "/lib/systemd/system/mfh.service").splitlines()
                if "=" in line and not line.startswith("#"))
    return root.start(
        "setpriv", f"--reuid={unit['User']}", f"--regid={unit['Group']}", "--init-groups", "--no-new-privs",
        "--bounding-set=-all", *unit["ExecStart"].split(), MFH_ZMQ_PORT="auto", MFH_GRPC_PORT="0",
        MFH_METRICS_PORT="0")


def ask(root: PackageRoot, service: Service, *words: str) -> dict:
    return json.loads(root.run("mfh", *words, "--hub", service.address, "--format", "json").splitlines()[-1])


def test_usage() -> None:
    for words, code in ((["--help"], 0), (["-h"], 0), (["--no-such"], 64)):
        done = subprocess.run([ROOT / "scripts/package-deb", *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == code and done.stdout.startswith("usage: ") == (code == 0), done.stderr


def test_what_is_in_it(package: Path) -> None:
    listed = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True).stdout
    for path in ("./usr/bin/mfh-server", "./usr/bin/mfh", "./usr/bin/logstore-dump", "./usr/sbin/mfh-health-check",
                 "./lib/systemd/system/mfh.service", "./lib/systemd/system/mfh@.service", "./etc/mfh/hub.yaml",
                 "./usr/share/man/man8/mfh-server.8.gz", "./usr/share/doc/memory-fusion-hub/operations.md"):
        assert path in listed, path
    told = subprocess.run(["dpkg-deb", "-f", package], capture_output=True, text=True, check=True).stdout
    for name in ("libzmq5", "libsodium23", "libzstd1", "libxxhash0", "libc6", "jq"):
        assert name in told
    # Everything belongs to root, and nothing is for others to write.
    for line in listed.splitlines():
        assert line.split()[1] == "root/root" and (line[0] == "l" or line[8] != "w"), line


def test_the_programs_need_nothing_of_the_machine_that_built_them(package: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-x", package, tmp_path], check=True)
    private = tmp_path / "usr/lib/memory-fusion-hub"
    for file in private.iterdir():
        dynamic = subprocess.run(["readelf", "-d", file], capture_output=True, text=True, check=True).stdout
        paths = [line.split("[")[1].rstrip("]") for line in dynamic.splitlines() if "RUNPATH" in line or "RPATH" in line]
        assert set(paths) <= {"$ORIGIN"}, f"{file.name}: {paths}"
        sections = subprocess.run(["readelf", "-SW", file], capture_output=True, text=True, check=True).stdout
        assert ".symtab" not in sections and ".debug_info" not in sections, f"{file.name} is not stripped"
    # The names in /usr/bin lead there, and the libraries are found from there.
    server = (tmp_path / "usr/bin/mfh-server").resolve()
    assert server == private / "mfh-server"
    told = subprocess.run(["ldd", server], capture_output=True, text=True, check=True).stdout
    core = next(line for line in told.splitlines() if "libswiftCore.so" in line)
    assert str(private) in core and "not found" not in told


def test_install_run_upgrade_remove_purge(root: PackageRoot, package: Path, newer: Path) -> None:
    install(root, package)
    assert root.run("stat", "-c", "%U:%G %a", "/var/lib/mfh/hub").strip() == "mfh:mfh 700"
    assert root.run("getent", "passwd", "mfh").strip().endswith("/usr/sbin/nologin")
    root.run("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/mfh.service",
             "/lib/systemd/system/mfh@hub-a.service", "/lib/systemd/system/mfh-health-check.timer",
             "/lib/systemd/system/mfh-performance-report.timer", "/lib/systemd/system/mfh-audit-verification.timer")

    service = start(root)
    for number in range(5):
        ask(root, service, "put", f"key/{number}", "before the upgrade")
    report = root.run("mfh-health-check", "--hub", service.address, "--probe")
    assert "result: healthy" in report
    before = ask(root, service, "checksum")
    assert before["keys"] == 5

    # What the operator has changed stays, and the hub that runs is not disturbed by the new files.
    root.run("sh", "-c", "echo '# ours' >> /etc/mfh/hub.yaml")
    install(root, newer)
    assert root.run("dpkg-query", "-W", "-f", "${Version}", "memory-fusion-hub") == "1.1"
    assert "# ours" in root.run("cat", "/etc/mfh/hub.yaml")
    assert ask(root, service, "checksum") == before
    service.stop()
    service = start(root)
    assert ask(root, service, "checksum") == before
    ask(root, service, "put", "after", "the upgrade")
    after = ask(root, service, "checksum")
    service.stop()

    # A removal keeps data, configuration and user; the data is there for the next installation.
    root.run("dpkg", "--remove", "memory-fusion-hub")
    for gone in ("/usr/bin/mfh-server", "/usr/lib/memory-fusion-hub", "/lib/systemd/system/mfh.service"):
        assert not root.exists(gone), gone
    assert root.exists("/var/lib/mfh/hub/MANIFEST-A") and root.exists("/etc/mfh/hub.yaml")
    install(root, package)
    service = start(root)
    assert ask(root, service, "checksum") == after
    service.stop()

    root.run("dpkg", "--purge", "memory-fusion-hub")
    for gone in ("/var/lib/mfh", "/etc/mfh", "/usr/share/doc/memory-fusion-hub"):
        assert not root.exists(gone), gone
    root.run("getent", "passwd", "mfh", code=2)
    root.run("getent", "group", "mfh", code=2)


def test_installing_twice_changes_nothing(root: PackageRoot, package: Path) -> None:
    install(root, package)
    root.run("sh", "-c", "echo mark > /var/lib/mfh/hub/mark")
    listed = root.run("sh", "-c", "find /var/lib/mfh /etc/mfh -printf '%p %u %m\\n' | sort; getent passwd mfh")
    install(root, package)
    assert root.run("sh", "-c", "find /var/lib/mfh /etc/mfh -printf '%p %u %m\\n' | sort; getent passwd mfh") == listed
