"""The one path by which every job runs, by hand, under the watcher and in the tests.

    scratch folder -> run -> receipt -> flush -> rename

The rename is the only commit. `execute` does it for one job; the engine calls `prepare`, `flush` and `commit` for many.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from watcher import files
from watcher.clock import SYSTEM, Clock, stamp
from watcher.locks import Busy, JobLocks, accelerator
from watcher.receipt import Input, Output, Receipt, digest_of, dump_receipt, job_key, read_receipt, tree_digest
from watcher.scratch import Scratch
from watcher.sources import Source, identify, is_large, private_copy
from watcher.stage import Attempt, Stage, Takes
from watcher.workspace import RECEIPT, Workspace


class Done(msgspec.Struct, frozen=True):
    """A finished job; `fresh` tells whether it was this call that did it."""

    folder: Path
    receipt: Receipt
    fresh: bool


class Prepared(msgspec.Struct, frozen=True):
    """A job that has run: all it will leave lies in `scratch`, perhaps not yet on the disk."""

    scratch: str
    folder: str
    receipt: Receipt
    made: Path
    """What a later stage takes of it until it is committed."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a run speaks with the process around it."""

    say: Callable[[str], None] = lambda line: None
    stopping: Callable[[], bool] = lambda: False
    clock: Clock = SYSTEM


def execute(
    workspace: Workspace,
    stage: Stage,
    inputs: Sequence[Path],
    *,
    say: Callable[[str], None] = lambda line: None,
    stopping: Callable[[], bool] = lambda: False,
    clock: Clock = SYSTEM,
) -> Done:
    """Runs a stage on inputs, or returns the job if it is there.

    An input is a loose file or folder (copied privately first), an accepted artifact, the folder of a finished job,
    or a file in such a folder (the folder counts). Raises BadInput, Unavailable, and whatever else the run raises.
    """
    workspace.make()
    return execute_sources(workspace, stage, [identify(path) for path in inputs], Voice(say, stopping, clock))


def execute_sources(workspace: Workspace, stage: Stage, sources: Sequence[Source], voice: Voice) -> Done:
    """`execute` on inputs that are identified already."""
    with JobLocks(workspace) as locks, Scratch(workspace) as scratch:
        job = prepare(workspace, stage, sources, scratch, locks, voice, wait=True)
        if isinstance(job, Done):
            return job
        flush([job])
        commit(workspace, [job])
        with files.surroundings():
            files.reached("flush names")
            files.sync_names([job.folder])
    return Done(Path(job.folder), job.receipt, fresh=True)


def key_of(stage: Stage, sources: Sequence[Source]) -> str:
    """The key of a stage's job on these inputs, with the stage's settings as they are now."""
    return job_key(stage.name, stage.version, stage.settings(), _digests(sources))


def input_digest(stage: Stage, sources: Sequence[Source]) -> str:
    """What stands for a job's input in the books: the content's digest, or for a collected job its manifest's."""
    digests = _digests(sources)
    return digest_of(digests) if stage.takes is Takes.ALL or len(digests) != 1 else digests[0]


def _digests(sources: Sequence[Source]) -> list[str]:
    return sorted({source.digest for source in sources})


def prepare(
    workspace: Workspace,
    stage: Stage,
    sources: Sequence[Source],
    scratch: Scratch,
    locks: JobLocks | None,
    voice: Voice,
    *,
    wait: bool = False,
) -> Done | Prepared:
    """Runs the job into a scratch folder, with its lock held in `locks` until after `commit`.

    Without `locks` for an input that is not committed yet, so that nobody else sees it. Who makes the same of another
    input at this moment comes to the same result, of which one is kept.
    Raises watcher.locks.Busy if another process is at it and `wait` is False, or has removed an input.
    """
    by_digest = {source.digest: source for source in sources}
    sources = [by_digest[digest] for digest in sorted(by_digest)]
    settings = dict(stage.settings())
    key = job_key(stage.name, stage.version, settings, sorted(by_digest))
    folder = workspace.job_name(stage.name, key)
    if files.exists(folder):
        return Done(Path(folder), read_receipt(Path(folder)), fresh=False)
    files.reached("claim")
    if locks:
        digest, large = input_digest(stage, sources), is_large(stage, sources)
        locks.take(stage.name, digest, large=large, wait=wait, stopping=voice.stopping)
        if files.exists(folder):  # whoever held the lock has done it
            return Done(Path(folder), read_receipt(Path(folder)), fresh=False)
        if gone := [source.path for source in sources if source.stage and not files.exists(str(source.path))]:
            raise Busy(f"{gone[0]} was removed by somebody else", "what takes its place is found at the next look")
    out = scratch.path(f"{stage.name}.{key}")
    try:
        with files.surroundings():
            receipt = _run(workspace, stage, sources, settings, key, out, voice)
    except BaseException:
        with contextlib.suppress(OSError):
            files.remove_tree(out)
        raise
    return Prepared(str(out), folder, receipt, out)


def _run(
    workspace: Workspace,
    stage: Stage,
    sources: Sequence[Source],
    settings: dict[str, object],
    key: str,
    out: Path,
    voice: Voice,
) -> Receipt:
    scratch = str(out)
    files.reached("scratch")
    files.fresh_folder(scratch)
    started, began = voice.clock.now(), voice.clock.elapsed()
    attempt = Attempt(key, workspace.resume(key), workspace.cache(stage.name), voice.say, voice.stopping)
    with private_copy(sources, f"{scratch}.inputs") as paths, accelerator(stage.lock, voice.stopping, voice.say):
        files.reached("run")
        outcome = stage.run(paths, out, attempt)
    outputs = _outputs(scratch)
    receipt = Receipt(
        stage=stage.name,
        version=stage.version,
        key=key,
        input=input_digest(stage, sources),
        inputs=tuple(Input(each.digest, each.stage, each.key) for each in sources),
        settings=settings,
        outputs=outputs,
        output_digest=tree_digest(outputs),
        counts=outcome.counts,
        warnings=outcome.warnings,
        incomplete=outcome.incomplete,
        clock={"started": stamp(started), "seconds": round(voice.clock.elapsed() - began, 6), **outcome.clock},
    )
    files.reached("receipt")
    files.write_new(f"{scratch}/{RECEIPT}", dump_receipt(receipt))
    return receipt


def _outputs(folder: str) -> dict[str, Output]:
    base = len(folder) + 1
    return {path[base:]: Output(*files.hash_file(path)) for path in sorted(_regular(folder))}


def _regular(folder: str) -> Iterator[str]:
    """The paths of all regular files in a folder at any depth; follows no link."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _regular(entry.path)
            elif entry.is_file(follow_symlinks=False):
                yield entry.path


def flush(jobs: Sequence[Prepared], names: Sequence[str] = ()) -> None:
    """Brings what prepared jobs made to the disk, before the first of them gets its name.

    The names themselves are on the disk after `files.sync_names`, at the latest when the system likes: a job whose name
    a power failure took is not done, and is done again with the same result. `names` were given before and are flushed
    with the content.
    """
    with files.surroundings():
        files.reached("flush")
        files.sync_trees([job.scratch for job in jobs], names)


def commit(workspace: Workspace, jobs: Sequence[Prepared]) -> None:
    """Makes prepared and flushed jobs done: gives them their names."""
    with files.surroundings():
        for job in jobs:
            files.reached("rename")
            if not files.move(job.scratch, job.folder):  # another process has made the same meanwhile
                files.remove_tree(Path(job.scratch))
        for key in set(files.names(workspace.state / "resume")) & {job.receipt.key for job in jobs}:
            files.reached("resume")
            files.remove_tree(workspace.resume(key))
