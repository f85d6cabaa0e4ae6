"""The recipes of docs/ci-sync.md with the tools themselves, slowed down so that passes meet half-sent files.

Time is the engine's own and flies: a visible file that a sender is still at would be taken at once. So whatever is
taken whole is so because of its name alone. A tool that is not installed skips its test.
"""

from __future__ import annotations

import getpass
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.handlers.sources.conftest import zipped
from tests.handlers.sources.test_ci_sync import CHECKOUT, accepted, passes
from tests.servers.github import TOKEN, GitHub
from tests.watcher.toy import digest
from watcher.workspace import Workspace

pytestmark = pytest.mark.soak
BIG = random.Random(7).randbytes(3_000_000).hex().encode()
PATIENCE_SECONDS = 90.0


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace").make()


def tool(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed here")
    return found


def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def running(command: Sequence[str | Path], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        list(map(str, command)),
        env={**os.environ, **environment},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def meanwhile(workspace: Workspace, done: Callable[[], bool], paths: list[Path] | None = None) -> int:
    """Passes, one after the other, until a tool is through; returns how many met nothing that could be taken."""
    end, empty = time.monotonic() + PATIENCE_SECONDS, 0
    while not done():
        assert time.monotonic() < end, "the tool does not come to an end"
        assert not any(tally.failed for tally in passes(workspace, [], paths))
        empty += not accepted(workspace)
        time.sleep(0.05)  # the tool is at work, in its own time
    passes(workspace, [], paths)
    return empty


def only_big(workspace: Workspace) -> None:
    assert accepted(workspace) == {digest(BIG)}
    assert len(list(workspace.outbox.glob("upper/*/*"))) == 1


def report(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(BIG)
    return folder / "report.json"


def test_rsync_that_is_killed_goes_on_and_comes_again(workspace: Workspace, tmp_path: Path) -> None:
    source = report(tmp_path / "reports").parent
    command = [tool("rsync"), "-a", "--partial-dir=.rsync-partial", f"{source}/", f"{workspace.inbox}/"]
    with running([*command, "--bwlimit=2000"]) as sender:
        assert meanwhile(workspace, lambda: any(workspace.inbox.glob(".report.json.*"))) > 0
    assert sender.returncode != 0
    assert accepted(workspace) == set()
    for _ in range(2):
        with running([*command, "--bwlimit=4000"]) as sender:
            meanwhile(workspace, lambda: sender.poll() is not None)
        assert sender.returncode == 0
        only_big(workspace)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[list[str]]:
    """The options by which ssh and scp reach an sshd on loopback."""
    program, folder = tool("sshd"), tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run([tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    number, config = port(), folder / "config"
    lines = ["ListenAddress 127.0.0.1", f"Port {number}", f"HostKey {folder}/host", "PidFile none", "UsePAM no"]
    lines += ["StrictModes no", f"AuthorizedKeysFile {folder}/user.pub", "PasswordAuthentication no"]
    config.write_text("\n".join([*lines, "Subsystem sftp internal-sftp", "PermitRootLogin yes", ""]))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    options = ["-i", str(folder / "user"), "-o", f"Port={number}", "-o", "BatchMode=yes"]
    options += ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/known", "-o", "LogLevel=ERROR"]
    with running([program, "-D", "-f", config]):
        end = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run(["ssh", *options, there(), "true"], capture_output=True).returncode:
            assert time.monotonic() < end, "sshd does not answer"
            time.sleep(0.1)
        yield options


def there() -> str:
    return f"{getpass.getuser()}@127.0.0.1"


def test_scp_over_ssh_and_then_rename(workspace: Workspace, tmp_path: Path, sshd: list[str]) -> None:
    file, inbox = report(tmp_path / "reports"), workspace.inbox
    copy = ["scp", "-q", *sshd, "-l", "30000", str(file), f"{there()}:{inbox}/report.json.part"]
    with running(copy) as cut_off:
        meanwhile(workspace, (inbox / "report.json.part").exists)
    assert cut_off.returncode != 0
    for _ in range(2):
        with running(copy) as sender:
            assert meanwhile(workspace, lambda: sender.poll() is not None) >= 0
        assert sender.returncode == 0
        subprocess.run(["ssh", *sshd, there(), f"mv {inbox}/report.json.part {inbox}/report.json"], check=True)
        meanwhile(workspace, lambda: True)
        only_big(workspace)


def test_rsync_over_ssh(workspace: Workspace, tmp_path: Path, sshd: list[str]) -> None:
    source = report(tmp_path / "reports").parent
    shell = ["-e", " ".join(["ssh", *sshd])]
    places = [f"{source}/", f"{there()}:{workspace.inbox}/"]
    with running([tool("rsync"), "-a", "--bwlimit=4000", "--partial-dir=.rsync-partial", *shell, *places]) as sender:
        assert meanwhile(workspace, lambda: sender.poll() is not None) > 0
    assert sender.returncode == 0
    only_big(workspace)


def recipe(heading: str) -> str:
    """The commands under a heading of docs/ci-sync.md."""
    text = (CHECKOUT / "docs" / "ci-sync.md").read_text().split(f"## {heading}\n")[1]
    return text.split("```sh\n")[1].split("```")[0]


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """For a server at 127.0.0.1, and the certificate that its client has to trust."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = [tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def test_gh_run_download_as_printed(tmp_path: Path, tls: tuple[ssl.SSLContext, Path]) -> None:
    tool("gh")
    workspace = Workspace(tmp_path / "scantune").make()
    with GitHub(tls[0]) as github:
        github.own_storage = True
        project = github.add("acme/app")
        project.add(zipped("all of it"), "trivy-results")
        run = project.artifacts[0]["workflow_run"]["id"]
        project.add(zipped("not asked for"), "coverage")
        project.artifacts[0]["workflow_run"]["id"] = run
        surroundings = {
            "GH_ENTERPRISE_TOKEN": TOKEN,
            "GH_CONFIG_DIR": str(tmp_path / "gh"),
            "GH_NO_UPDATE_NOTIFIER": "1",
            "HOME": str(tmp_path),
            "SSL_CERT_FILE": str(tls[1]),
        }
        host = github.url.removeprefix("https://")
        script = recipe("`gh run download`").replace("RUN_ID", str(run)).replace("OWNER/NAME", f"{host}/acme/app")
        for times in (1, 2):
            done = subprocess.run(
                ["sh", "-ec", script], env={**os.environ, **surroundings}, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            assert len(list(workspace.inbox.glob(f"run-{run}-*/trivy-results/report.sarif"))) == 1
            passes(workspace, [])
            assert accepted(workspace) == {digest(b"all of it")}
            assert len(list(workspace.inbox.rglob("*"))) == 2 * times  # empty folders, for some minutes yet
    assert len(list(workspace.outbox.glob("upper/*/*"))) == 1


def instance(program: str, home: Path, folder: Path, sends_kbps: int) -> tuple[str, ET.ElementTree, str]:
    """A new Syncthing that shares one folder and talks to nobody but whom it is told of: id, settings, address."""
    subprocess.run([program, "generate", f"--home={home}", "--no-default-folder"], check=True, capture_output=True)
    settings, address = ET.parse(home / "config.xml"), f"tcp://127.0.0.1:{port()}"
    options, gui = settings.find("options"), settings.find("gui")
    assert options is not None
    assert gui is not None
    for each in options.findall("listenAddress"):
        options.remove(each)
    wanted = {"listenAddress": address, "maxSendKbps": str(sends_kbps), "urAccepted": "-1", "startBrowser": "false"}
    wanted |= {"autoUpgradeIntervalH": "0", "setLowPriority": "false", "limitBandwidthInLan": "true"}
    wanted |= dict.fromkeys(["globalAnnounceEnabled", "localAnnounceEnabled", "relaysEnabled"], "false")
    wanted |= dict.fromkeys(["natEnabled", "crashReportingEnabled"], "false")
    for name, value in wanted.items():
        found = options.find(name)
        (ET.SubElement(options, name) if found is None else found).text = value
    (gui.find("address") or ET.SubElement(gui, "address")).text = f"127.0.0.1:{port()}"
    shown = subprocess.run([program, f"--home={home}", "--device-id"], check=True, capture_output=True, text=True)
    shared = ET.SubElement(settings.getroot(), "folder", id="reports", path=str(folder), fsWatcherDelayS="1")
    shared.set("fsWatcherEnabled", "true")
    return shown.stdout.strip(), settings, address


def test_two_syncthings(workspace: Workspace, tmp_path: Path) -> None:
    program, here, away = tool("syncthing"), tmp_path / "here", tmp_path / "away"
    homes = [tmp_path / "home-here", tmp_path / "home-away"]
    for folder in (here, away):
        (folder / ".stfolder").mkdir(parents=True)
    both = [instance(program, home, folder, 8000) for home, folder in zip(homes, (here, away), strict=True)]
    for (_, settings, _), home in zip(both, homes, strict=True):
        shared = settings.find("folder")
        assert shared is not None
        for device, _, address in both:
            ET.SubElement(shared, "device", id=device)
            known = next((each for each in settings.findall("device") if each.get("id") == device), None)
            if known is None:
                known = ET.SubElement(settings.getroot(), "device", id=device)
                ET.SubElement(known, "address").text = address
        settings.write(home / "config.xml")
    report(away)
    commands = [[program, "serve", f"--home={home}", "--no-browser", "--no-restart"] for home in homes]
    with running(commands[0], STNOUPGRADE="1"), running(commands[1], STNOUPGRADE="1"):
        assert meanwhile(workspace, (here / "report.json").exists, [here]) > 0
        only_big(workspace)
        (away / "report.json").write_bytes(b"another report")
        meanwhile(workspace, lambda: (here / "report.json").read_bytes() == b"another report", [here])
    assert accepted(workspace) == {digest(BIG), digest(b"another report")}
    assert (away / "report.json").read_bytes() == b"another report"  # nothing was carried back
