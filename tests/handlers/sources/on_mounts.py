"""What test_ci_sync_mounts.py does in a mount namespace of its own.

Arguments: SCENARIO WORKSPACE SHARE MOUNT UNMOUNT CUT. The three commands mount the share, unmount it, and take it away
without asking anybody.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_SECONDS = 90.0


def report(number: int) -> bytes:
    """A report of some size, by a tool that found nothing."""
    driver = {"name": "Made", "properties": {"filler": f"{number:07d}" * 30_000}}
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": []}]}).encode()


class Place:
    """A workspace on the local disk, and a share that comes and goes."""

    def __init__(self, workspace: str, share: str, mount: str, unmount: str, cut: str) -> None:
        self.workspace, self.share = Path(workspace), Path(share)
        self._mount, self._unmount, self._cut = mount, unmount, cut

    def mount(self) -> None:
        subprocess.run(["sh", "-c", self._mount], check=True)
        assert os.path.ismount(self.share)

    def unmount(self) -> None:
        subprocess.run(["sh", "-c", self._unmount], check=True)

    def cut(self) -> None:
        subprocess.run(["sh", "-c", self._cut], check=True)

    def command(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-P", "-m", "handlers.cli.main", "--workspace", str(self.workspace), *map(str, words)]

    def run(self, *statuses: int) -> None:
        """The recipe as printed; it ends well, or as one of these."""
        done = subprocess.run(self.command("run", self.share), capture_output=True, text=True, check=False)
        assert done.returncode in (statuses or (0,)), done.stderr
        assert "Traceback" not in done.stderr

    def answers(self) -> bool:
        try:
            return os.path.ismount(self.share) and any(self.share.iterdir())
        except OSError:
            return False

    def taken(self) -> set[str]:
        return {path.name for path in self.workspace.glob("outbox/artifacts/*/*")}

    def begin(self, number: int) -> None:
        content = report(number)
        (self.share / f"report-{number}.sarif.part").write_bytes(content[: len(content) // 2])

    def finish(self, number: int) -> None:
        part = self.share / f"report-{number}.sarif.part"
        part.write_bytes(report(number))
        part.rename(self.share / f"report-{number}.sarif")


def digests(*numbers: int) -> set[str]:
    return {hashlib.sha256(report(number)).hexdigest() for number in numbers}


def recipe(place: Place) -> None:
    """`scantune run SHARE`: in pieces, sent again, unmounted in the middle, mounted again."""
    place.mount()
    place.begin(1)
    place.run()
    assert place.taken() == set()
    for _ in range(2):
        place.finish(1)
        place.run()
        assert place.taken() == digests(1)
    assert (place.share / "report-1.sarif").read_bytes() == report(1)
    place.begin(2)
    place.cut()
    assert not place.answers()
    place.run(0, 1)  # an empty folder, or one that can't be read
    place.unmount()
    place.run()
    assert place.taken() == digests(1)
    place.mount()
    place.finish(2)
    place.run()
    assert place.taken() == digests(1, 2)


def inbox(place: Place) -> None:
    """`scantune watch` with its inbox on the share, which is taken away while a sender writes, and comes back."""
    place.mount()
    with subprocess.Popen(place.command("watch")) as watcher:
        try:
            place.begin(1)
            place.finish(1)
            until(lambda: place.taken() == digests(1), watcher)
            place.begin(2)
            place.cut()
            assert not place.answers()
            time.sleep(5)  # the watcher's own time: it looks, and finds the share gone
            assert watcher.poll() is None
            place.unmount()
            time.sleep(2)
            assert place.taken() == digests(1)
            place.mount()
            place.finish(1)  # sent again
            place.finish(2)
            until(lambda: place.taken() == digests(1, 2) and not any(place.share.glob("*.sarif")), watcher)
            watcher.send_signal(signal.SIGTERM)
            assert watcher.wait(PATIENCE_SECONDS) == 0
        finally:
            watcher.kill()
    assert len(list(place.workspace.glob("outbox/analysis/*/*"))) == 2
    assert not list(place.workspace.glob("quarantine/*/*"))


def until(happened: Callable[[], bool], watcher: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert watcher.poll() is None, "the watcher ended"
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.1)


if __name__ == "__main__":
    {"recipe": recipe, "inbox": inbox}[sys.argv[1]](Place(*sys.argv[2:]))
