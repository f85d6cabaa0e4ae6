"""The steps of a dataset's build that a data frame can do as well, beside Polars in one run.

    pip install polars; python benchmarks/dataset_polars.py DIR

DIR is what `benchmarks/dataset.py --keep DIR` left. Both choose the best telling of each problem of a group, take out
equal texts, cap rules and reports by lot, count by side, task and rule, and write the sides' rows. scantune reads its
shards, Polars a Parquet file of all rows with their groups, which scantune finds itself. Near duplicates stay in.
"""

from __future__ import annotations

import argparse
import gc
import resource
import shutil
import time
from collections import Counter
from pathlib import Path

import polars as pl  # type: ignore[import-not-found,unused-ignore]

from config.settings import Settings
from handlers.dataset.build import rules_of
from handlers.dataset.choose import Choice, choose
from handlers.dataset.groups import Groups
from handlers.dataset.keep import Keep
from handlers.dataset.lines import Lines, find_lines
from handlers.dataset.making import make_maker
from handlers.dataset.shards import Stored, make_shards
from handlers.dataset.split import side_of
from handlers.dataset.table import gather, keys_of
from handlers.dataset.write import write_rows
from watcher.stage import Attempt

KEYS = ["group", "subject"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path)
    root = parser.parse_args().dir
    gc.disable()  # as a build does
    settings = Settings.model_validate({"dataset": {"near_duplicate": 1}})
    lines, maker = find_lines(sorted((root / "narrative").iterdir())), make_maker(settings, root)
    attempt = Attempt(key="0" * 64, resume=root / "resume", cache=root / "cache")
    shards = make_shards(lines.found, maker, attempt)
    flat = root / "flat.parquet"
    flatten(shards, lines).write_parquet(flat)
    start, worked = time.perf_counter(), time.process_time()
    choice = ours(lambda: make_shards(lines.found, maker, attempt), lines, settings, empty(root / "by-scantune"))
    own, own_cpu = time.perf_counter() - start, time.process_time() - worked
    start, worked = time.perf_counter(), time.process_time()
    count = theirs(flat, settings, empty(root / "by-polars"))
    peer, peer_cpu = time.perf_counter() - start, time.process_time() - worked
    print(f"scantune: {own:.1f} s, {own_cpu:.1f} s of processors, {len(choice.rows)} rows")
    print(f"polars:   {peer:.1f} s, {peer_cpu:.1f} s of processors, {count} rows")
    print(f"scantune takes {own / peer:.2f} times as long, {own_cpu / peer_cpu:.2f} times the computing;", end=" ")
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB at the peak of both")


def empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def ours(load: object, lines: Lines, settings: Settings, out: Path) -> Choice:
    assert callable(load)
    shards = load()
    choice = choose(shards, lines, rules_of(settings))
    write_rows(choice, shards, lines.homes, ("train", "valid"), out, Keep(out / "none"))
    rows = choice.table.items[choice.rows]
    named = zip(rows["source"].tolist(), rows["task"].tolist(), strict=True)
    Counter((choice.sides[source], task, choice.table.sources[source].rule_id) for source, task in named)
    return choice


def theirs(flat: Path, settings: Settings, out: Path) -> int:
    rows = pl.read_parquet(flat)
    best = rows.select(*KEYS, "source", "weight").unique().sort(["weight", "source"], descending=[True, False])
    best = best.unique(KEYS, keep="first", maintain_order=True).select("source")
    rows = rows.join(best, on="source").sort("weight", descending=True).unique("key", keep="first", maintain_order=True)
    for owner, most in (("rule", settings.dataset.max_per_rule), ("home", settings.dataset.max_per_repository)):
        rows = rows.filter(pl.col("lot").rank("ordinal").over("side", owner, "task") <= most)
    rows = rows.sort("key")
    rows.group_by("side", "task", "rule").len()
    for side in ("train", "valid"):
        part = rows.filter(pl.col("side") == side)
        with (out / f"{side}.jsonl").open("w", encoding="utf-8") as written:
            written.write("\n".join(part["text"].to_list()))
        part.drop("text").write_ndjson(out / f"lineage-{side}.jsonl")
    return len(rows)


def flatten(shards: list[Stored], lines: Lines) -> pl.DataFrame:
    """A row of a table for each row of a shard, with what choosing must know."""
    table = gather([each.shard for each in shards])
    groups = Groups()
    for source in table.sources:
        groups.unite((source.own, *source.aliases))
    contents = [each.rows.read_bytes() for each in shards]
    columns = (table.items[name].tolist() for name in ("source", "task", "tokens", "start", "size"))
    rows = []
    for key, number, task, tokens, start, size in zip(keys_of(table.items), *columns, strict=True):
        source = table.sources[number]
        rows.append(
            {
                "key": key, "task": table.tasks[task], "tokens": tokens, "source": source.digest,
                "group": groups.find(source.own), "subject": source.subject, "weight": source.weight,
                "side": side_of(source.own, 0.2), "rule": source.rule_id,
                "home": source.repository or lines.homes[source.digest],
                "lot": key[::-1], "tool": source.tool, "pointer": source.pointer, "licence": source.licence,
                "fingerprint": source.fingerprint,
                "text": contents[table.shards[number]][start : start + size].decode(),
            }
        )  # fmt: skip
    return pl.DataFrame(rows)


if __name__ == "__main__":
    main()
