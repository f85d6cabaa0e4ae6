"""A power failure at any moment: what was taken is there, what is done is whole, and the next pass does the rest."""

from __future__ import annotations

import random
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash import drop, outputs, prove, the_pass, undisturbed
from powerloss import Recorder, add_index, images

from watcher.workspace import Workspace

CONTENTS = [b"one two", b"three", b"bad \0", b"one two", *(b"more %d" % n for n in range(6))]


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """A pass over ten files (in groups large enough to flush the whole volume), then one over a single file."""
    monkeypatch.setattr("watcher.inbox.GROUP", 4)
    monkeypatch.setattr("watcher.index.RACY_NANOSECONDS", 0)  # so that the index is trusted as early as it may be
    monkeypatch.setattr("watcher.files.THREADS", 1)  # the recorder sees one operation at a time
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))  # it holds open all that it has seen
    workspace = Workspace(tmp_path / "w").make()
    drop(workspace, CONTENTS)
    recorder = Recorder(workspace.root)
    recorder.record(lambda: the_pass(workspace), monkeypatch)
    drop(workspace, [b"late"], "late")
    recorder._flush_all()
    recorder.record(lambda: the_pass(workspace), monkeypatch)
    yield recorder
    recorder.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def recover(recorder: Recorder, folder: Path, nth: int, chance: random.Random, count: int) -> int:
    tree, disk = recorder.moments[nth]
    dropped = list(CONTENTS)
    if any(node.content == b"late" for node in tree.values()):
        dropped.append(b"late")
    tried = 0
    for make in images(tree, disk, chance, count):
        target = folder / f"{nth}-{tried}"
        make(target)
        if chance.random() < 0.5:
            add_index(tree, target)
        workspace = Workspace(target)
        the_pass(workspace)
        prove(workspace, dropped)
        expected = undisturbed(folder / f"{nth}-{tried}-undisturbed", dropped)
        found = outputs(workspace)
        # Beyond what an undisturbed pass makes there may only be sets that were collected before the failure.
        assert expected.items() <= found.items()
        assert all(name.startswith("collect/") for name in found.keys() - expected.keys())
        shutil.rmtree(target)
        shutil.rmtree(folder / f"{nth}-{tried}-undisturbed")
        tried += 1
    return tried


def test_power_failures_at_moments_by_chance(tmp_path: Path, recorder: Recorder) -> None:
    chance = random.Random(1)
    for nth in chance.sample(range(len(recorder.moments)), 12):
        assert recover(recorder, tmp_path, nth, chance, 1) == 3


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(10))
def test_power_failures_at_every_moment(tmp_path: Path, recorder: Recorder, part: int) -> None:
    chance = random.Random(f"every moment {part}")
    for nth in range(part, len(recorder.moments), 10):
        assert recover(recorder, tmp_path, nth, chance, 4) == 6
