"""The recipes of docs/ci-sync.md: files that come in pieces, and come again. Real tools where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from config.settings import load
from tests.watcher.toy import PIPELINE, FakeClock, digest
from watcher.engine import Engine
from watcher.execute import Voice
from watcher.loop import run_pass
from watcher.stage import ARTIFACTS
from watcher.tally import Tally
from watcher.tempo import Tempo
from watcher.workspace import Workspace

REPORT = b"all of a long report " * 500
CHECKOUT = Path(__file__).parents[3]
Step = Callable[[], object]


class WriterClock(FakeClock):
    """Whenever somebody waits, the sender gets on with it."""

    def __init__(self, steps: list[Step]) -> None:
        super().__init__()
        self.steps = steps

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if self.steps:
            self.steps.pop(0)()
        return super().wait(event, seconds)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace").make()


def passes(workspace: Workspace, steps: list[Step], paths: list[Path] | None = None) -> list[Tally]:
    """Passes until the sender is through and everything has settled."""
    clock, tallies, at_work = WriterClock(steps), [], True
    while at_work:
        at_work = bool(clock.steps)
        with Engine(workspace, PIPELINE, Tempo(), Voice(clock=clock), patient=False, paths=paths or ()) as engine:
            tallies.append(run_pass(engine))
        clock.wait(threading.Event(), 0.1)
    return tallies


def accepted(workspace: Workspace) -> set[str]:
    return {path.name for path in workspace.outbox.glob(f"{ARTIFACTS}/*/*")}


def only_the_whole_one(workspace: Workspace, tallies: list[Tally]) -> None:
    assert accepted(workspace) == {digest(REPORT)}
    assert not any(tally.failed for tally in tallies)
    assert len(list(workspace.outbox.glob("upper/*/*"))) == 1


def append(file: Path, start: int, end: int) -> Step:
    def write() -> None:
        with file.open("ab") as out:
            out.write(REPORT[start:end])

    return write


def in_pieces(file: Path, count: int = 20) -> list[Step]:
    size = -(-len(REPORT) // count)
    return [append(file, start, start + size) for start in range(0, len(REPORT), size)]


def test_rsync(workspace: Workspace, tmp_path: Path) -> None:
    if shutil.which("rsync") is None:
        pytest.skip("rsync is not installed here")
    source = tmp_path / "reports"
    source.mkdir()
    (source / "report.json").write_bytes(REPORT)
    command = ["rsync", "-a", "--partial-dir=.rsync-partial", f"{source}/", f"{workspace.inbox}/"]
    cut_off = workspace.inbox / ".rsync-partial" / "report.json"
    steps: list[Step] = [cut_off.parent.mkdir, *in_pieces(cut_off)[:5]]
    steps += [lambda: subprocess.run(command, check=True)] * 2
    only_the_whole_one(workspace, passes(workspace, steps))
    only_the_whole_one(workspace, passes(workspace, [lambda: subprocess.run(command, check=True)]))


def test_rsyncs_own_name_while_it_writes(workspace: Workspace) -> None:
    part, whole = workspace.inbox / ".report.json.aB3xYz", workspace.inbox / "report.json"
    steps = in_pieces(part)
    tallies = passes(workspace, steps[:10])
    assert accepted(workspace) == set()
    only_the_whole_one(workspace, [*tallies, *passes(workspace, [*in_pieces(part)[10:], lambda: part.rename(whole)])])


def test_scp_and_then_rename(workspace: Workspace, tmp_path: Path) -> None:
    if shutil.which("scp") is None:
        pytest.skip("scp is not installed here")
    source, part = tmp_path / "report.json", workspace.inbox / "report.json.part"
    source.write_bytes(REPORT)
    copy: list[Step] = [lambda: subprocess.run(["scp", "-q", source, part], check=True)]
    rename: list[Step] = [lambda: part.rename(workspace.inbox / "report.json")]
    only_the_whole_one(workspace, passes(workspace, [*in_pieces(part)[:7], *copy, *rename]))
    only_the_whole_one(workspace, passes(workspace, [*copy, *rename]))


def test_scp_under_the_final_name_on_a_steady_line(workspace: Workspace) -> None:
    file = workspace.inbox / "report.json"
    only_the_whole_one(workspace, passes(workspace, in_pieces(file)))
    only_the_whole_one(workspace, passes(workspace, in_pieces(file)))


def test_scp_on_a_line_that_stalls(workspace: Workspace) -> None:
    """Half a report can be taken then; the whole one is taken too, and neither is lost."""
    file = workspace.inbox / "report.json"
    stalls: list[Step] = [lambda: None] * 60
    passes(workspace, [append(file, 0, 5000), *stalls, append(file, 0, len(REPORT))])
    assert digest(REPORT) in accepted(workspace)


def test_gh_run_download(workspace: Workspace) -> None:
    hidden, folder = workspace.inbox / ".in-42", workspace.inbox / "run-42"

    def download() -> list[Step]:
        file = hidden / "trivy-results" / "trivy.json"
        return [lambda: file.parent.mkdir(parents=True), *in_pieces(file), lambda: hidden.rename(folder)]

    only_the_whole_one(workspace, passes(workspace, download()))
    shutil.rmtree(folder, ignore_errors=True)
    only_the_whole_one(workspace, passes(workspace, download()))


def test_a_mounted_share(workspace: Workspace, tmp_path: Path) -> None:
    """No events come from a share, and the files stay there."""
    share = tmp_path / "share"
    share.mkdir()
    part, whole = share / "report.json.part", share / "report.json"
    steps: list[Step] = [lambda: (share / ".nfs0123456789abcdef").write_bytes(b"x")]
    steps += [*in_pieces(part), lambda: part.rename(whole)]
    only_the_whole_one(workspace, passes(workspace, steps, [share]))
    assert whole.read_bytes() == REPORT
    only_the_whole_one(workspace, passes(workspace, [lambda: None], [share]))
    share.rename(tmp_path / "unmounted")
    share.mkdir()
    only_the_whole_one(workspace, passes(workspace, [lambda: None], [share]))


def test_a_syncthing_folder(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "Sync"
    (folder / ".stfolder").mkdir(parents=True)
    part, whole = folder / ".syncthing.report.json.tmp", folder / "report.json"
    conflict = folder / "report.sync-conflict-20260131-093000-ABCDEFG.json"
    sent: list[Step] = [*in_pieces(part), lambda: part.rename(whole), lambda: conflict.write_bytes(REPORT)]
    only_the_whole_one(workspace, passes(workspace, sent, [folder]))
    assert whole.exists()  # nothing is removed, so nothing is carried back to the sender
    other = [lambda: conflict.write_bytes(b"another report")]
    passes(workspace, list[Step](other), [folder])
    assert accepted(workspace) == {digest(REPORT), digest(b"another report")}


def test_the_examples_are_sound() -> None:
    workflow = yaml.safe_load((CHECKOUT / ".github" / "examples" / "security-scan.yml").read_text())
    uploads = [step["with"] for job in workflow["jobs"].values() for step in job["steps"] if "upload" in str(step)]
    assert all(each["name"].endswith("-results") and not each["path"].startswith(".") for each in uploads)
    assert len(uploads) == 2
    text = (CHECKOUT / "docs" / "ci-sync.md").read_text()
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        load(None, yaml.safe_load(block))  # every setting in it exists
