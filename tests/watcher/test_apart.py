"""Jobs in processes of their own, and what only one of them may have."""

from __future__ import annotations

import dataclasses
import fcntl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from toy import UPPER, FakeClock, locked, one_pass

from watcher.engine import Engine
from watcher.execute import Voice, execute
from watcher.failures import Failure
from watcher.locks import Busy
from watcher.tempo import Tempo
from watcher.workspace import Workspace, user_lock

if TYPE_CHECKING:
    from watcher.failures import Kind


@pytest.mark.parametrize("kind", ["input", "unavailable"])
def test_a_large_job_that_ended_after_a_look_around_is_not_run_once_more(
    workspace: Workspace, clock: FakeClock, kind: Kind
) -> None:
    (workspace.inbox / "a").write_bytes(b"one")
    one_pass(workspace, clock, ())
    stage = dataclasses.replace(UPPER, command=("a", "process"), inline_bytes=1)
    with Engine(workspace, (stage,), Tempo(), Voice(clock=clock), patient=True) as engine:
        assert engine.pending.next(stage) is None
        at_work = engine.pending.next_apart(stage)
        assert at_work is not None
        engine.pending.rewind()
        assert engine.pending.next(stage) is None  # put aside again, as it has not ended
        engine._failed(at_work, Failure(kind, "no"))
        assert engine.pending.next_apart(stage) is None


def test_one_job_at_a_time_has_the_accelerator(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "text").write_bytes(b"text")
    heavy, said = dataclasses.replace(UPPER, lock="toy-device"), list[str]()
    file = user_lock("toy-device")
    file.with_name("toy-device.holder").write_text("process 7")
    with locked(file, fcntl.LOCK_EX), pytest.raises(Busy, match=r"^toy-device is in use by process 7$"):
        execute(workspace, heavy, [tmp_path / "text"], say=said.append, stopping=lambda: bool(said))
    assert said == ["waiting: toy-device is in use by process 7"]
    assert execute(workspace, heavy, [tmp_path / "text"]).fresh
