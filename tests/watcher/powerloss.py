"""What a power failure may leave of a workspace: un-synced writes and names dropped, in any combination.

A recorder notes the tree before every operation that changes it (Python's audit events), and what each flush made
durable. At such a moment the disk may hold, of each name that changed since its folder was flushed, the old or the new
state (a rename is one change: it moves both names or none, as ext4 and APFS promise), and of each file that was not
flushed since it was written nothing, a part, or all.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from watcher import commits, files

INDEX = "state/index.sqlite"


@dataclass(frozen=True)
class Node:
    """A file (with its content) or a folder (content None)."""

    inode: int
    content: bytes | None
    modified: int


Tree = dict[str, Node]


@dataclass
class Disk:
    """What is durable: by inode, the content of files, and names and modification time of folders."""

    contents: dict[int, bytes] = field(default_factory=dict)
    names: dict[int, dict[str, int]] = field(default_factory=dict)
    modified: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Disk:
        return Disk(dict(self.contents), dict(self.names), dict(self.modified))


def look(root: Path) -> Tree:
    """The tree as programs see it now, by relative path; the root itself is "."."""
    tree: Tree = {}
    for folder, folders, names in os.walk(root):
        base = os.path.relpath(folder, root)
        status = Path(folder).stat()
        tree[base] = Node(status.st_ino, None, status.st_mtime_ns)
        for name in names:
            path = Path(folder, name)
            status = path.stat()
            tree[os.path.normpath(f"{base}/{name}")] = Node(status.st_ino, path.read_bytes(), status.st_mtime_ns)
        folders.sort()
    return tree


def entries(tree: Tree) -> dict[int, dict[str, int]]:
    """For each folder (by inode) the inodes of its names."""
    found: dict[int, dict[str, int]] = {node.inode: {} for node in tree.values() if node.content is None}
    for path, node in tree.items():
        if path != ".":
            found[tree[os.path.dirname(path) or "."].inode][os.path.basename(path)] = node.inode  # noqa: PTH119, PTH120
    return found


class Recorder:
    """Records moments of a run in a workspace: pairs of what is seen and what is durable."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.moments: list[tuple[Tree, Disk]] = []
        self._disk = Disk()
        self._held: dict[int, int] = {}
        self._busy = False
        self._on = False
        self._flush_all()
        sys.addaudithook(self._hook)

    def record(self, run: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
        real_sync, real_volume = files.sync, files._sync_volume

        def sync(path: Path | str) -> None:
            real_sync(path)
            self._flush(Path(path).stat().st_ino)

        def sync_volume(folder: str) -> bool:
            done = real_volume(folder)
            if done:
                self._flush_all()
            return done

        real_flush = files._flush

        def flush(handle: int) -> None:
            real_flush(handle)
            self._flush(os.fstat(handle).st_ino)

        with monkeypatch.context() as patches:
            patches.setattr(files, "sync", sync)
            patches.setattr(files, "_sync_volume", sync_volume)
            patches.setattr(files, "_flush", flush)
            patches.setattr(commits, "_thread", lambda: self)
            patches.setattr(files, "_hand_to_drive", sync)  # on a Mac: what is handed over is flushed before it goes on
            self._on = True
            run()
            self._on = False
        self._note()

    def submit(self, flush: Callable[..., None], *arguments: object) -> Recorder.Flushing:
        """In the place of a thread: what it flushes is what lies there now, and is relied on once it was waited for."""
        before, self._disk = self._disk, self._disk.copy()
        flush(*arguments)
        after, self._disk = self._disk, before
        return Recorder.Flushing(self, before.copy(), after)

    @dataclass
    class Flushing:
        """A flush that goes on while other things happen."""

        recorder: Recorder
        before: Disk
        after: Disk

        def result(self) -> None:
            """What was flushed on its own meanwhile is newer."""
            disk = self.recorder._disk
            for name in ("contents", "names", "modified"):
                then, flushed, now = (getattr(each, name) for each in (self.before, self.after, disk))
                now.update({inode: value for inode, value in flushed.items() if now.get(inode) == then.get(inode)})

        exception = result

    def close(self) -> None:
        for handle in self._held.values():
            os.close(handle)
        self._held.clear()

    def _look(self) -> Tree:
        """The tree now, each node held open: the number of one that is removed must not come to mean another."""
        tree = look(self.root)
        for path, node in tree.items():
            if node.inode not in self._held:
                self._held[node.inode] = os.open(self.root / path, os.O_RDONLY)
        return tree

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self._on and not self._busy and event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir"):
            self._note()

    def _note(self) -> None:
        self._busy = True
        self.moments.append((self._look(), self._disk.copy()))
        self._busy = False

    def _flush(self, inode: int) -> None:
        self._busy = True
        tree = self._look()
        below = entries(tree)
        for node in tree.values():
            if node.inode == inode:
                self._flush_node(node, below)
        self._busy = False

    def _flush_all(self) -> None:
        self._busy = True
        tree = self._look()
        below = entries(tree)
        for node in tree.values():
            self._flush_node(node, below)
        self._busy = False

    def _flush_node(self, node: Node, below: dict[int, dict[str, int]]) -> None:
        if node.content is not None:
            self._disk.contents[node.inode] = node.content
        else:
            self._disk.names[node.inode] = dict(below[node.inode])
            self._disk.modified[node.inode] = node.modified


def images(tree: Tree, disk: Disk, chance: random.Random, count: int) -> Iterator[Callable[[Path], None]]:
    """Ways to make what may be on the disk: nothing un-synced, everything, and `count` combinations by chance."""
    yield _Image(tree, disk, lambda: False, lambda content: b"").write
    yield _Image(tree, disk, lambda: True, lambda content: b"").write
    for _ in range(count):
        torn = lambda content: content[: chance.randrange(len(content) + 1)]  # noqa: E731
        yield _Image(tree, disk, lambda: chance.random() < 0.5, torn).write


class _Image:
    def __init__(self, tree: Tree, disk: Disk, applied: Callable[[], bool], torn: Callable[[bytes], bytes]) -> None:
        self._tree, self._disk, self._torn = tree, disk, torn
        self._seen = {node.inode: node for node in tree.values()}
        self._now = entries(tree)
        self._new = self._choose(applied)

    def _choose(self, applied: Callable[[], bool]) -> dict[tuple[int, str], bool]:
        """For each name that differs from its durable state whether the new state is on the disk."""
        changed: dict[tuple[int, str], tuple[int | None, int | None]] = {}
        for folder in self._now.keys() | self._disk.names.keys():
            old, new = self._disk.names.get(folder, {}), self._now.get(folder, {})
            for name in old.keys() | new.keys():
                if old.get(name) != new.get(name):
                    changed[folder, name] = (old.get(name), new.get(name))
        group: dict[int, int] = {}

        def leader(inode: int) -> int:
            while group.get(inode, inode) != inode:
                inode = group[inode]
            return inode

        for pair in changed.values():
            inodes = [inode for inode in pair if inode is not None]
            group[leader(inodes[0])] = leader(inodes[-1])
        decided: dict[int, bool] = {}
        choice = {}
        for place, pair in sorted(changed.items(), key=lambda item: item[0]):
            first = leader(next(inode for inode in pair if inode is not None))
            choice[place] = decided.setdefault(first, applied())
        return choice

    def write(self, target: Path) -> None:
        self._folder(self._tree["."].inode, target, "")

    def _folder(self, inode: int, target: Path, path: str) -> None:
        target.mkdir(parents=True)
        old, new = self._disk.names.get(inode, {}), self._now.get(inode, {})
        complete = True
        for name in sorted(old.keys() | new.keys()):
            fresh = self._new.get((inode, name), True)
            complete &= fresh
            child = (new if fresh else old).get(name)
            if child is None or (path + name).startswith(INDEX):
                continue
            if child in self._now or child in self._disk.names:
                self._folder(child, target / name, f"{path}{name}/")
            else:
                (target / name).write_bytes(self._content(child))
        # The change of a folder's time is in the same transaction as the change of its names.
        modified = self._seen[inode].modified if complete and inode in self._seen else self._disk.modified.get(inode, 1)
        os.utime(target, ns=(modified, modified))

    def _content(self, inode: int) -> bytes:
        durable = self._disk.contents.get(inode)
        node = self._seen.get(inode)
        if node is None or node.content is None or not node.content.startswith(durable or b""):
            return durable or b""
        durable = durable or b""
        return durable + self._torn(node.content[len(durable) :])


def add_index(tree: Tree, target: Path) -> None:
    """Puts the index in as programs last saw it: ahead of everything that was not flushed."""
    for path, node in tree.items():
        if path.startswith(INDEX) and not path.endswith("-shm") and node.content is not None:
            modified = (target / "state").stat().st_mtime_ns
            (target / path).write_bytes(node.content)
            os.utime(target / "state", ns=(modified, modified))
