"""What lies in the inbox and is not taken: `status` and `why` say so, and for what reason."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from handlers.cli.main import main
from watcher import files


def answer(capsys: pytest.CaptureFixture[str], root: Path, *words: str) -> str:
    main(["--workspace", str(root), *words])
    return capsys.readouterr().out


def reason(capsys: pytest.CaptureFixture[str], root: Path, name: str) -> str:
    (step,) = json.loads(answer(capsys, root, "why", name, "--json"))
    return f"{step['state']}: {step['reason']}"


def test_an_inbox_whose_volume_is_not_mounted(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / "state" / "inbox-is-a-volume").touch()  # as the watcher noted while it was
    gone = f"nothing is taken: {workspace / 'inbox'} was a volume of its own, which is not mounted now"
    assert f"inbox      {gone}" in answer(capsys, workspace, "status")
    assert "was a volume" in json.loads(answer(capsys, workspace, "status", "--json"))["inbox_gone"]
    assert "the inbox can't be asked: " in reason(capsys, workspace, "a.sarif")
    (workspace / "inbox" / "a.sarif").write_text("{}")  # into the mount point
    assert reason(capsys, workspace, "a.sarif").startswith(f"in the inbox: {gone}")


def test_an_inbox_that_is_not_there(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inbox = workspace / "inbox"
    inbox.rmdir()
    told = f"inbox      nothing is taken: {inbox} is not there\n"
    assert told in answer(capsys, workspace, "status")
    assert not inbox.exists()
    inbox.symlink_to("/no/such/volume")
    assert told in answer(capsys, workspace, "status")
    assert "symbolic link" not in answer(capsys, workspace, "status")


def test_an_inbox_that_is_there(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.sarif", "b.sarif", "b.sarif.done"):
        (workspace / "inbox" / name).write_text("{}")
    assert "inbox      2 to be taken\n" in answer(capsys, workspace, "status")
    for name in ("a.sarif", "b.sarif"):
        assert reason(capsys, workspace, name).startswith("in the inbox: it is taken once")


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.EACCES, "permission is denied"), (errno.EIO, "the disk reports an input/output error")],
)
def test_a_file_that_can_not_be_read(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    """A right is never refused to root, whom the tests may run as."""
    for name in ("good.sarif", "bad.sarif"):
        (workspace / "inbox" / name).write_text("{}")
    opened = files.open_regular

    def refuse(path: Path | str) -> int:
        if Path(path).name == "bad.sarif":
            raise OSError(number, os.strerror(number), str(path))
        return opened(path)

    monkeypatch.setattr(files, "open_regular", refuse)
    page = answer(capsys, workspace, "status")
    assert "inbox      1 to be taken\n" in page
    assert f"not taken: bad.sarif: it can't be taken: {told}\n" in page
    assert reason(capsys, workspace, "bad.sarif") == f"in the inbox: it is not taken: it can't be taken: {told}"


def test_an_inbox_that_does_not_answer(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is known beside it is told."""
    listed = os.scandir

    def refuse(path: str | Path) -> object:
        if Path(path) == workspace / "inbox":
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    page = answer(capsys, workspace, "status")
    assert f"inbox      nothing is taken: {workspace / 'inbox'}: the network folder went away\n" in page
    assert "analysis: picture.bin (in quarantine)" in page
    assert "the network folder went away" in reason(capsys, workspace, "a.sarif")
