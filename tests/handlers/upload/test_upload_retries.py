"""A publication that fails or dies on the way: it goes on by the engine's schedule and ends as exactly one commit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from config.settings import Settings
from handlers import upload
from handlers.upload.publication import Published
from tests.handlers.upload.conftest import DATASET_CARD
from tests.servers.hub import TOKEN, Hub
from tests.servers.web import Request
from tests.watcher.toy import FakeClock
from watcher.engine import Engine
from watcher.execute import Voice
from watcher.loop import run_pass
from watcher.stage import ARTIFACTS, Attempt, Outcome, Stage
from watcher.tempo import Tempo
from watcher.workspace import Workspace

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
ROW = '{"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]}\n'


def make_dataset(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
    for name, text in (("train.jsonl", 3 * ROW), ("valid.jsonl", ROW), ("README.md", DATASET_CARD)):
        (out / name).write_text(text)
    return Outcome()


DATASET = Stage("dataset", "1", (ARTIFACTS,), make_dataset)


def restarted(workspace: Workspace, clock: FakeClock, stages: Sequence[Stage]) -> None:
    """What a watcher does that starts now, knows nothing but the folders, and keeps to the schedule."""
    with Engine(workspace, stages, Tempo(), Voice(clock=clock), patient=True) as engine:
        run_pass(engine)


def commits(hub: Hub, kind: str = "dataset", name: str = "acme/webauthn-security-dataset") -> int:
    repository = hub.repositories.get((kind, name))
    return len(repository.commits) - 1 if repository else 0


@pytest.mark.parametrize("header", ["Retry_After", "RateLimit"])
def test_the_schedule_survives_a_restart_and_waits_as_asked(
    hub: Hub, settings: Settings, tmp_path: Path, header: str
) -> None:
    workspace, clock = Workspace(tmp_path / "workspace").make(), FakeClock()
    (workspace.inbox / "report").write_text("report")
    value = "900" if header == "Retry_After" else '"api";r=0;t=900'
    hub.fail("POST", "/commit/", 429, **{header: value})
    stages = (DATASET, upload.stage(settings, workspace.root))
    restarted(workspace, clock, stages)
    assert commits(hub) == 0
    asked = len(hub.requests)
    clock.pass_(800)
    restarted(workspace, clock, stages)
    assert len(hub.requests) == asked
    clock.pass_(2000)
    restarted(workspace, clock, stages)
    assert commits(hub) == 1
    assert len(list(workspace.outbox.glob("upload/*/*/publication.json"))) == 1


def test_what_a_person_has_to_mend_is_asked_rarely(hub: Hub, settings: Settings, tmp_path: Path) -> None:
    workspace, clock = Workspace(tmp_path / "workspace").make(), FakeClock()
    (workspace.inbox / "report").write_text("report")
    hub.fail("POST", "/create", 401, times=1)
    stages = (DATASET, upload.stage(settings, workspace.root))
    restarted(workspace, clock, stages)
    asked = len(hub.requests)
    clock.pass_(3000)
    restarted(workspace, clock, stages)
    assert len(hub.requests) == asked
    clock.pass_(3000)
    restarted(workspace, clock, stages)  # the person logged in meanwhile
    assert commits(hub) == 1


def surroundings(hub: Hub, home: Path) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("SCANTUNE_", "HF_"))},
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(home / "hf"),
        "HF_TOKEN": TOKEN,
        "SCANTUNE_UPLOAD__TO": "hub",
        "SCANTUNE_FINE_TUNING__HUGGINGFACE__DEFAULT_REPO_PREFIX": "acme",
    }


SENDING = [("/lfs/", False), ("/commit/", False), ("/shards", True)]
AROUND = [("/create", False), ("/preupload/", False), ("/tag/", False), ("/cas/v1/xorbs", True), ("/commit/", True)]


@pytest.mark.parametrize(("at", "xet"), [*SENDING, *(pytest.param(*each, marks=pytest.mark.soak) for each in AROUND)])
def test_a_kill_on_the_way_ends_as_one_commit(hub: Hub, model: Path, tmp_path: Path, at: str, xet: bool) -> None:
    environment = surroundings(hub, tmp_path) | {"HF_HUB_DISABLE_XET": "" if xet else "1"}
    command = [sys.executable, "-m", "handlers.cli.main", "--workspace", str(tmp_path), "upload-model", str(model)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:

        def kill(request: Request) -> None:
            if at in request.path and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()

        hub.before = kill
        assert process.wait(60) == -signal.SIGKILL
    hub.before = lambda request: None
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    repository = hub.repositories["model", "acme/webauthn-security"]
    assert commits(hub, "model", "acme/webauthn-security") == 1
    assert repository.tags == {"v1": repository.head.oid}
    assert repository.head.oid in done.stdout
    assert bool(hub.shards) == xet


@pytest.mark.parametrize("xet", [True, False])
def test_nothing_is_reported_to_anybody_else(hub: Hub, model: Path, tmp_path: Path, xet: bool) -> None:
    environment = surroundings(hub, tmp_path) | {"HF_HUB_DISABLE_XET": "" if xet else "1"}
    command = [sys.executable, "-m", "handlers.cli.main", "--workspace", str(tmp_path), "upload-model", str(model)]
    subprocess.run(command, env=environment, capture_output=True, check=True)
    asked = [request.path for request in hub.requests]
    assert any(path.startswith("/cas/") for path in asked) == xet
    assert not [path for path in asked if "telemetry" in path or "harness" in path]


def test_the_record_reads_back(hub: Hub, model: Path, settings: Settings, tmp_path: Path) -> None:
    upload.stage(settings, tmp_path).run([model], tmp_path, Attempt("0" * 64, tmp_path, tmp_path))
    text = (tmp_path / upload.PUBLICATION).read_bytes()
    record = msgspec.json.decode(text, type=Published)
    assert upload.publication.dump(record) == text


def test_the_stage_in_its_own_process_tells_no_link_and_no_token(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    hub.fail("POST", "/preupload/", 503)
    (dataset / "receipt.json").unlink()
    loose = dataset.rename(tmp_path / "rows")
    command = [sys.executable, "-m", "handlers.upload", "--workspace", str(tmp_path / "workspace"), str(loose)]
    environment = surroundings(hub, tmp_path) | {"SCANTUNE_LOG__LEVEL": "debug"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert commits(hub) == 1
    assert TOKEN not in done.stdout + done.stderr
    assert "/preupload/" not in done.stderr
