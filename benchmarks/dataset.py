"""How long a dataset takes: 100,000 narratives from nothing, then 100 more, with all gates and the default settings.

    python benchmarks/dataset.py [--narratives 100000] [--more 100] [--again] [--keep DIR]

Prints seconds, the largest sum of resident memory over all processes, and bytes on disk, hard links counted once. With
--again all is built once more without what earlier builds left, and compared. Nothing is downloaded; without a base
model on this machine the length gate counts bytes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import psutil

from config.settings import Settings
from handlers.dataset import stage
from handlers.records import Analysis, Finding, Location, Narrative, Origin, Package, dump_lines
from watcher.files import hash_file
from watcher.stage import Attempt

PER_FOLDER = 200
WORDS = 4000
RULES = Origin(kind="rules", version="1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--narratives", type=int, default=100_000)
    parser.add_argument("--more", type=int, default=100)
    parser.add_argument("--again", action="store_true", help="build once more from nothing, and compare")
    parser.add_argument("--keep", type=Path, help="work here, and leave everything there")
    args = parser.parse_args()
    root = args.keep or Path(tempfile.mkdtemp(prefix="scantune-bench-"))
    try:
        measure(root, args.narratives, args.more, args.again)
    finally:
        if not args.keep:
            shutil.rmtree(root)


class Time(NamedTuple):
    seconds: float  # by the clock
    computed: float  # of all processors


def measure(root: Path, count: int, more: int, again: bool) -> None:
    inputs = write_narratives(root / "narrative", 0, count)
    full = timed(root, "full", inputs)
    before = disk(root / "full", root / "cache")
    inputs += write_narratives(root / "narrative-more", count, more)
    added = timed(root, "more", inputs)
    grown = disk(root / "full", root / "cache", root / "more") - before
    print(f"adding {more} takes {added.seconds / full.seconds:.1%} of the time of a full build by the clock,")
    print(
        f"    {added.computed / full.computed:.1%} of its computing, "
        f"{grown / before:.1%} of its disk ({grown / 1e6:.1f} MB)"
    )
    if not again:
        return
    shutil.rmtree(root / "cache")
    timed(root, "again", inputs)
    print(f"with and without the cache the same bytes: {content(root / 'more') == content(root / 'again')}")


def content(folder: Path) -> dict[str, str]:
    return {each.name: hash_file(each)[0] for each in folder.iterdir()}


def timed(root: Path, name: str, inputs: list[Path]) -> Time:
    out = root / name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    with peak() as memory:
        start, worked = time.perf_counter(), cpu()
        attempt = Attempt(key="0" * 64, resume=root / "resume", cache=root / "cache")
        outcome = stage(Settings(), root).run(inputs, out, attempt)
        seconds, worked = time.perf_counter() - start, cpu() - worked
    print(f"{name}: {seconds:.1f} s, {worked:.1f} s of all processors, {memory[0] / 1e6:.0f} MB of memory")
    print(f"    a dataset of {disk(out) / 1e6:.0f} MB in {sum(1 for _ in out.iterdir())} files")
    print(f"    {dict(outcome.counts)}")
    return Time(seconds, worked)


@contextlib.contextmanager
def peak() -> Iterator[list[int]]:
    """The largest resident memory of this process and its children together, in bytes, looked at 20 times a second."""
    most, done = [0], threading.Event()

    def watch() -> None:
        own = psutil.Process()
        while not done.wait(0.05):
            total = 0
            for each in (own, *own.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += each.memory_info().rss
            most[0] = max(most[0], total)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def cpu() -> float:
    """Seconds that this process and its finished children computed: what a busy machine does not stretch."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def disk(*folders: Path) -> int:
    """Bytes of all files in the folders, each once however many names it has."""
    files = [each.stat() for folder in folders for each in folder.rglob("*") if each.is_file()]
    return sum({each.st_ino: each.st_size for each in files}.values())


def write_narratives(root: Path, first: int, count: int) -> list[Path]:
    folders = []
    for start in range(first, first + count, PER_FOLDER):
        folder = root / f"{start:07d}"
        if not folder.exists():
            folder.mkdir(parents=True)
            numbers = range(start, min(start + PER_FOLDER, first + count))
            dump_lines(folder / "narrative.jsonl", map(make, numbers))
        folders.append(folder)
    return folders


def _word(at: int) -> str:
    chance = random.Random(at)
    return "".join(chance.choice("bcdfglmnprst") + chance.choice("aeiou") for _ in range(2 + at % 3))


_words = [_word(at) for at in range(WORDS)]


def make(at: int) -> Narrative:
    """Three of five are advisories of packages, one in ten of them seen before; the others are code."""
    chance = random.Random(at)
    advisory = at % 5 < 3
    finding = dependency(at, chance) if advisory else code(at, chance)
    name = finding.package.name if finding.package else finding.rule_id
    where = finding.locations[0]
    return Narrative(
        analysis=Analysis(
            finding=finding,
            kind=f"{text(chance, 4)} ({finding.cwes[0]})",
            where=f"{where.path}, line {where.line}",
            reach=text(chance, 14),
            severity=f"{finding.severity}, as {finding.tool} rates it",
            affected=f"{name} is affected" if advisory else None,
            unknown=("whether an outsider's input gets there", "whether this project runs the affected code"),
            confidence="medium",
            sources=("report", "CWE 4.14"),
            origin=RULES,
        ),
        what=f"{name}: {text(chance, 28)}.",
        why=f"{text(chance, 30)} in `{where.path}`.",
        fix=f"{text(chance, 24)} `{name}`.",
        check=f"{text(chance, 14)} `{name}`.",
        origin=RULES,
    )


def text(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(_words, k=count))


def dependency(at: int, chance: random.Random) -> Finding:
    number = at - 1 if at % 10 == 2 else at
    name = f"{_words[number % 97]}-{_words[number % 3989]}"
    version = f"{chance.randrange(9)}.{chance.randrange(30)}.{chance.randrange(30)}"
    advisory = f"CVE-{2015 + number % 10}-{10_000 + number}"
    return msgspec.structs.replace(
        base(at, chance, "trivy", advisory),
        ids=(advisory,),
        package=Package(name=name, ecosystem="npm", version=version, fixed_versions=(f"{version}1",) if at % 3 else ()),
        cvss_vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        cvss_score=9.8,
    )


def code(at: int, chance: random.Random) -> Finding:
    snippet = "\n".join(f"{chance.choice(_words)}({chance.choice(_words)}, {chance.choice(_words)})" for _ in range(4))
    found = base(at, chance, "semgrep", f"rules.security.{_words[chance.randrange(400)]}")
    return msgspec.structs.replace(found, class_="code", snippet=snippet)


def base(at: int, chance: random.Random, tool: str, rule: str) -> Finding:
    return Finding(
        fingerprint=f"1:{at:040x}",
        tool=tool,
        format=tool,
        rule_id=rule,
        title=text(chance, 8),
        class_="vulnerability",
        severity=chance.choice(("critical", "high", "medium", "low")),
        severity_raw="HIGH",
        cwes=(f"CWE-{20 + at % 600}",),
        description=f"{text(chance, 50)}. {text(chance, 20)} https://example.com/{chance.choice(_words)}.",
        locations=(Location(path=f"src/{chance.choice(_words)}/{chance.choice(_words)}.py", line=1 + at % 900),),
        pointer=f"/runs/0/results/{at}",
    )


if __name__ == "__main__":
    main()
