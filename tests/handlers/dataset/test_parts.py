"""A large dataset lies in parts, which a later build shares as far as they stay the same."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from handlers.dataset import build as dataset_build
from handlers.dataset import parts, shards
from handlers.dataset.build import write_sides
from handlers.dataset.croissant import FILE
from handlers.dataset.fill import fill
from handlers.dataset.lineage import LINEAGE, find_rows
from handlers.dataset.lines import Line, find_lines
from handlers.dataset.making import Maker
from handlers.dataset.parts import side_files
from handlers.dataset.shards import Stored
from handlers.dataset.statistics import load_statistics
from handlers.training.rows import load_sides
from tests.handlers.dataset.builds import ALL, content, lines, rows_only, run
from tests.handlers.dataset.made import attempt, folder, narrative
from watcher.errors import Unavailable
from watcher.stage import Attempt


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    return [folder(tmp_path, f"x{each}", narrative(2 * each), narrative(2 * each + 1)) for each in range(40)]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WHOLE", 50_000)
    monkeypatch.setattr(parts, "PART", 20_000)


def build(root: Path, name: str, inputs: Sequence[Path], work: Attempt) -> Path:
    out = root / name
    out.mkdir()
    write_sides(ALL, root, find_lines(inputs), out, work)
    return out


def all_lines(out: Path, side: str) -> list[str]:
    return [line for file in side_files(out, side) for line in file.read_text().splitlines()]


def test_parts_hold_the_rows_of_the_whole(tmp_path: Path, inputs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows_only(tmp_path, "whole", inputs, ALL)
    monkeypatch.setattr(parts, "WHOLE", 50_000)
    monkeypatch.setattr(parts, "PART", 20_000)
    split = rows_only(tmp_path, "split", inputs, ALL)
    assert [file.name for file in side_files(whole, "train")] == ["train.jsonl"]
    assert len(side_files(split, "train")) > 4
    for side in ("train", "valid"):
        assert sorted(all_lines(whole, side)) == sorted(all_lines(split, side))
        sizes = load_statistics(split).sides[side]
        assert sizes.bytes == sum(len(line.encode()) + 1 for line in all_lines(split, side))
    assert len(load_sides(split, 0.2).train) == len(all_lines(split, "train"))
    assert len(load_sides(split, 0.2).valid) == len(all_lines(split, "valid"))


@pytest.mark.usefixtures("small_parts")
def test_the_lineage_leads_to_the_row(tmp_path: Path, inputs: list[Path]) -> None:
    out = rows_only(tmp_path, "out", inputs, ALL)
    for file in side_files(out, LINEAGE)[:3]:
        for each in lines(out, file.name):
            row = all_lines_of(out, each)[each["line"] - 1]
            assert f"message {int(each['fingerprint'][2:], 16)}" in row or each["task"] in (
                "cvss",
                "unknown",
                "analyse",
            )
            (found,) = find_rows(out, f"{each['side']}-{each['part']}:{each['line']}")
            assert found.row == each["row"]


def all_lines_of(out: Path, lineage: dict[str, object]) -> list[str]:
    return (out / f"{lineage['side']}-{lineage['part']}.jsonl").read_text().splitlines()


@pytest.mark.usefixtures("small_parts")
def test_a_new_input_leaves_most_files_as_they_are(tmp_path: Path, inputs: list[Path]) -> None:
    work = attempt(tmp_path / "work")
    before = build(tmp_path, "before", inputs[1:], work)
    after = build(tmp_path, "after", inputs, work)
    assert content(after) == content(rows_only(tmp_path, "anew", inputs, ALL))
    files = [file for side in ("train", "valid", LINEAGE) for file in side_files(after, side)]
    shared = [file for file in files if (before / file.name).exists() and file.samefile(before / file.name)]
    assert len(files) - len(shared) <= 6  # the new input's part, and what a split of it may add


@pytest.mark.usefixtures("small_parts")
def test_a_file_that_was_changed_in_place_is_not_shared(tmp_path: Path, inputs: list[Path]) -> None:
    work = attempt(tmp_path / "work")
    before = build(tmp_path, "before", inputs, work)
    with side_files(before, "train")[0].open("a") as rows:
        rows.write("{}\n")
    after = build(tmp_path, "after", inputs, work)
    assert content(after) == content(rows_only(tmp_path, "anew", inputs, ALL))


@pytest.mark.usefixtures("small_parts")
def test_card_and_metadata_name_the_parts(tmp_path: Path, inputs: list[Path]) -> None:
    out, _ = run(tmp_path, "out", inputs)
    head = yaml.safe_load((out / "README.md").read_text().split("---")[1])
    for each in head["configs"][0]["data_files"]:
        assert sorted(out.glob(each["path"])) == list(side_files(out, each["split"]))
    assert '"train": "train-*.jsonl"' in (out / "README.md").read_text()
    named = {each["@id"] for each in json.loads((out / FILE).read_text())["distribution"]}
    assert {file.name for side in ("train", "valid") for file in side_files(out, side)} < named


@pytest.mark.usefixtures("small_parts")
def test_a_part_that_is_half_gone_is_written_anew_and_not_through_its_links(
    tmp_path: Path, inputs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = attempt(tmp_path / "work")
    before = build(tmp_path, "before", inputs, work)
    held = content(before)
    link = os.link

    def fails_at_lineage(source: Path, target: Path) -> None:
        if source.is_relative_to(work.cache) and source.name.startswith(LINEAGE):
            raise FileNotFoundError(2, "removed meanwhile", str(source))
        link(source, target)

    monkeypatch.setattr(os, "link", fails_at_lineage)
    after = build(tmp_path, "after", inputs, work)
    assert content(after) == content(before) == held
    assert not any(file.samefile(before / file.name) for file in side_files(after, "train"))


def test_a_cache_that_is_emptied_meanwhile_is_no_smaller_dataset(
    tmp_path: Path, inputs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = attempt(tmp_path / "work")

    def emptied(maker: Maker, folder: Path, lines: Sequence[Line]) -> Path:
        index = fill(maker, folder, lines)
        shutil.rmtree(work.cache)
        return index

    monkeypatch.setattr(shards, "fill", emptied)
    with pytest.raises(Unavailable, match="cache was emptied"):
        build(tmp_path, "out", inputs, work)
    monkeypatch.undo()
    assert content(build(tmp_path, "again", inputs, work)) == content(rows_only(tmp_path, "anew", inputs, ALL))


def test_rows_that_are_removed_before_they_are_written_are_no_bug(
    tmp_path: Path, inputs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = attempt(tmp_path / "work")
    load = shards.make_shards

    def emptied(*args: Any) -> list[Stored]:
        made = load(*args)
        shutil.rmtree(work.cache)
        return made

    monkeypatch.setattr(dataset_build, "make_shards", emptied)
    with pytest.raises(Unavailable, match="cache was emptied"):
        build(tmp_path, "out", inputs, work)
