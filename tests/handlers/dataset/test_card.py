"""The card, its pictures and the metadata: what they say is what the dataset is."""

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from handlers.dataset.croissant import FILE
from handlers.dataset.statistics import load_statistics
from tests.handlers.dataset.builds import content, lines, run, with_settings
from tests.handlers.dataset.made import folder, narrative


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("card")
    rows = json.dumps({"prompt": "What is XSS?", "completion": "Script injection."})
    evil = narrative(50, tool="tri|vy](http://evil.com)", cwes=(), severity="low")
    inputs = [folder(root, "a", *map(narrative, range(30)), evil), folder(root, "b", rows=rows)]
    return run(root, "out", inputs)[0]


def test_the_front_matter_leads_the_hub_to_the_rows(built: Path) -> None:
    head = yaml.safe_load((built / "README.md").read_text().split("---")[1])
    files = head["configs"][0]["data_files"]
    assert files == [{"split": "train", "path": "train.jsonl"}, {"split": "valid", "path": "valid.jsonl"}]
    assert all((built / each["path"]).exists() for each in files)
    assert head["size_categories"] == ["n<1K"]


def test_every_count_of_the_card_is_the_files_own(built: Path) -> None:
    card = (built / "README.md").read_text()
    lineage = lines(built, "lineage.jsonl")
    for side in ("train", "valid"):
        rows, groups = lines(built, f"{side}.jsonl"), {row["group"] for row in lineage if row["side"] == side}
        size = (built / f"{side}.jsonl").stat().st_size
        assert f"| {side} | {len(rows)} | {len(groups)} | {size} |" in card
    for task, count in Counter(row["task"] for row in lineage).items():
        assert f"| {count} |" in next(line for line in card.splitlines() if line.startswith(f"| {task} |"))
    for licence, count in Counter(row["licence"] for row in lineage).items():
        assert f"| {licence} | {count} |" in card
    figures = load_statistics(built)
    assert f"{figures.made} rows were made, {figures.made - len(lineage)} of them left out" in card


def test_names_of_reports_end_no_cell_and_start_no_link(built: Path) -> None:
    card = (built / "README.md").read_text()
    assert "](http://evil.com" not in card
    assert "| trivy(http://evil.com) | 1 |" in card


def test_the_pictures_are_there_and_always_the_same(built: Path, tmp_path: Path) -> None:
    inputs = [folder(tmp_path, "a", *map(narrative, range(5)))]
    one, two = (content(run(tmp_path / name, "out", inputs)[0]) for name in ("one", "two"))
    assert {"lengths.png", "classes.png", "severities.png"} <= one.keys()
    assert one == two
    card = (built / "README.md").read_text()
    assert all(f"({name})" in card and (built / name).read_bytes()[:4] == b"\x89PNG" for name in one if "png" in name)


def test_a_small_dataset_says_that_it_is_not_ready(tmp_path: Path) -> None:
    out, _ = run(tmp_path, "out", [folder(tmp_path, "a", narrative(1))])
    assert "**Not ready for training:**" in (out / "README.md").read_text()


@pytest.mark.parametrize("form", ["chat", "completions"])
def test_croissant_describes_the_files(tmp_path: Path, form: str) -> None:
    croissant = pytest.importorskip("mlcroissant", reason="mlcroissant is heavy and no dependency; CI has it not")
    out, _ = run(tmp_path, "out", [folder(tmp_path, "a", *map(narrative, range(30)))], with_settings(format=form))
    dataset = croissant.Dataset(jsonld=str(out / FILE))
    assert not dataset.metadata.ctx.issues.errors
    assert len(list(dataset.records(record_set="valid"))) == load_statistics(out).sides["valid"].rows


def test_croissant_names_each_file_with_its_digest(built: Path) -> None:
    import hashlib

    for each in json.loads((built / FILE).read_text())["distribution"]:
        assert hashlib.sha256((built / each["contentUrl"]).read_bytes()).hexdigest() == each["sha256"]
