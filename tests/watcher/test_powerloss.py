"""A power failure at any moment: what was taken is there, what is done is whole, and the next pass does the rest."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from crash import drop, outputs, prove, the_pass, undisturbed
from powerloss import Recorder, add_index, images

from watcher.workspace import Workspace

CONTENTS = [b"one two", b"three", b"bad \0", b"one two", *(b"more %d" % n for n in range(6))]


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A pass over ten files (a group large enough to flush the whole volume), then one over a single file."""
    monkeypatch.setattr("watcher.index.RACY_NANOSECONDS", 0)  # so that the index is trusted as early as it may be
    monkeypatch.setattr("watcher.files.THREADS", 1)  # the recorder sees one operation at a time
    workspace = Workspace(tmp_path / "w").make()
    drop(workspace, CONTENTS)
    recorder = Recorder(workspace.root)
    recorder.record(lambda: the_pass(workspace), monkeypatch)
    drop(workspace, [b"late"], "late")
    recorder._flush_all()
    recorder.record(lambda: the_pass(workspace), monkeypatch)
    return recorder


def recover(
    recorder: Recorder, folder: Path, nth: int, chance: random.Random, count: int, collected: bool = True
) -> int:
    tree, disk = recorder.moments[nth]
    dropped = list(CONTENTS)
    if any(path.startswith(("inbox/late", "state/late")) for path in tree) or nth > len(recorder.moments) - 3:
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
        wanted = {name: digest for name, digest in expected.items() if collected or not name.startswith("collect/")}
        assert wanted.items() <= found.items()
        shutil.rmtree(target)
        shutil.rmtree(folder / f"{nth}-{tried}-undisturbed")
        tried += 1
    return tried


def test_power_failures_at_moments_by_chance(tmp_path: Path, recorder: Recorder) -> None:
    chance = random.Random(1)
    for nth in chance.sample(range(len(recorder.moments)), 12):
        # Which sets were collected on the way depends on how the moments fell; the long proof compares these too.
        assert recover(recorder, tmp_path, nth, chance, 1, collected=False) == 3


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_power_failures_at_every_moment(tmp_path: Path, recorder: Recorder) -> None:
    chance = random.Random(2)
    for nth in range(len(recorder.moments)):
        recover(recorder, tmp_path, nth, chance, 4)
