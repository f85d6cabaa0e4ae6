import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import Settings
from handlers.dataset import stage
from handlers.dataset.split import side_of
from handlers.dataset.statistics import load_statistics
from handlers.records import Narrative
from tests.handlers.dataset.made import attempt, folder, narrative
from watcher.errors import BadInput
from watcher.stage import Outcome, Takes


def run(tmp_path: Path, name: str, inputs: Sequence[Path], chosen: Settings | None = None) -> tuple[Path, Outcome]:
    out = tmp_path / name
    out.mkdir(parents=True)
    outcome = stage(chosen or Settings(), tmp_path).run(inputs, out, attempt(tmp_path / f"{name}.work"))
    return out, outcome


def lines(out: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in (out / name).read_bytes().splitlines()]


def content(out: Path) -> dict[str, bytes]:
    return {str(each.relative_to(out)): each.read_bytes() for each in out.rglob("*") if each.is_file()}


def key_on(side: str, start: int = 10_000) -> str:
    return next(f"CVE-2024-{each}" for each in range(start, start + 1000) if side_of(f"CVE-2024-{each}", 0.2) == side)


def test_the_stage_takes_all_narratives() -> None:
    made = stage(Settings(), Path("/nowhere"))
    assert (made.name, made.accepts, made.takes) == ("dataset", ("narrative",), Takes.ALL)


def test_every_narrative_gives_several_rows_with_lineage(tmp_path: Path) -> None:
    out, outcome = run(tmp_path, "out", [folder(tmp_path, "a", *map(narrative, range(40)))])
    train, valid, lineage = (lines(out, name) for name in ("train.jsonl", "valid.jsonl", "lineage.jsonl"))
    assert [row.keys() for row in train + valid] == [{"messages"}] * len(lineage)
    assert {row["side"] for row in lineage} == {"train", "valid"}
    assert [row["line"] for row in lineage if row["side"] == "valid"] == list(range(1, len(valid) + 1))
    assert {"analyse", "explain", "fix", "triage"} <= {row["task"] for row in lineage}
    figures = load_statistics(out)
    assert figures.made == len(lineage) + sum(figures.left_out.values())
    assert figures.waits is None
    assert outcome.counts["train"] == len(train)


def test_the_answers_come_from_the_narrative(tmp_path: Path) -> None:
    made = narrative(1)
    out, _ = run(tmp_path, "out", [folder(tmp_path, "a", made)])
    rows = {
        each["task"]: row["messages"]
        for each, row in zip(lines(out, "lineage.jsonl"), lines(out, "train.jsonl"), strict=True)
    }
    assert json.loads(rows["analyse"][1]["content"])["weakness"] == made.analysis.kind
    assert rows["fix"][1]["content"] == f"{made.fix}\n\n{made.check}"
    assert "CVSS:3.1" not in rows["cvss"][0]["content"]
    assert "CWE-787" not in rows["cwe"][0]["content"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(12)), st.integers(1, 11))
def test_order_and_place_of_narratives_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    root = tmp_path_factory.mktemp("any")
    one = [folder(root, f"x{each}", narrative(each)) for each in range(12)]
    other = [folder(root, f"y{each}", narrative(each)) for each in order]
    assert content(run(root, "one", one)[0]) == content(run(root, "two", other[cut:] + other[:cut] + one[:2])[0])


def test_a_cache_changes_nothing(tmp_path: Path) -> None:
    inputs = [folder(tmp_path, f"x{each}", narrative(each)) for each in range(5)]
    work = attempt(tmp_path / "work")
    outs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        stage(Settings(), tmp_path).run(inputs, tmp_path / name, work)
        outs.append(content(tmp_path / name))
    assert outs[0] == outs[1] == content(run(tmp_path, "three", inputs)[0])


def test_one_problem_seen_often_is_one_group(tmp_path: Path) -> None:
    nightly = [narrative(1, pointer=f"/{night}", tool=tool) for night in range(3) for tool in ("trivy", "grype")]
    out, _ = run(tmp_path, "out", [folder(tmp_path, f"n{number}", each) for number, each in enumerate(nightly)])
    lineage = lines(out, "lineage.jsonl")
    assert len({row["task"] for row in lineage}) == len(lineage)
    assert {(row["sightings"], *row["tools"]) for row in lineage} == {(6, "grype", "trivy")}
    assert load_statistics(out).problems == 1


def test_a_later_alias_leaves_the_train_sides_rows_out(tmp_path: Path) -> None:
    trained, held = key_on("train"), key_on("valid")
    apart = [folder(tmp_path, "a", narrative(1, ids=(trained,))), folder(tmp_path, "b", narrative(2, ids=(held,)))]
    before, _ = run(tmp_path, "before", apart)
    assert lines(before, "train.jsonl")
    alias = folder(tmp_path, "c", narrative(3, ids=(held, trained)))
    after, _ = run(tmp_path, "after", [*apart, alias])
    assert not lines(after, "train.jsonl")
    assert {row["side"] for row in lines(after, "lineage.jsonl")} == {"valid"}
    assert load_statistics(after).left_out["group joined across sides"] > 0


def test_too_few_groups_deliver_an_empty_side_and_say_so(tmp_path: Path) -> None:
    out, outcome = run(tmp_path, "out", [folder(tmp_path, "a", narrative(1, ids=(key_on("train"),)))])
    assert (out / "valid.jsonl").read_bytes() == b""
    assert "valid" in str(load_statistics(out).waits)
    assert any("training has to wait" in each for each in outcome.warnings)


def test_a_thousand_groups_split_within_two_points() -> None:
    sides = [side_of(f"CVE-2024-{each}", 0.2) for each in range(10_000, 11_000)]
    assert abs(sides.count("valid") / 1000 - 0.2) <= 0.02


def test_a_users_rows_join_and_bad_ones_are_named(tmp_path: Path) -> None:
    rows = '{"prompt": "What is XSS?", "completion": "Script injection."}\nnonsense\n'
    out, outcome = run(tmp_path, "out", [folder(tmp_path, "a", narrative(1)), folder(tmp_path, "b", rows=rows)])
    assert [row["origin"] for row in lines(out, "lineage.jsonl")].count("user@1") == 1
    assert load_statistics(out).bad_rows == 1
    assert outcome.incomplete
    assert any("line 2: not JSON" in each for each in outcome.warnings)


@pytest.mark.parametrize("task", ["fix", "triage"])
def test_a_users_row_stands_for_the_generated_one(tmp_path: Path, task: str) -> None:
    row = {"prompt": "CVE-2024-10001: what now?", "completion": "Remove the library.", "task": task}
    out, _ = run(tmp_path, "out", [folder(tmp_path, "a", narrative(1)), folder(tmp_path, "b", rows=json.dumps(row))])
    assert [each["origin"] for each in lines(out, "lineage.jsonl") if each["task"] == task] == ["user@1"]


def test_a_folder_without_narratives_is_a_bad_input(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"narrative\.jsonl"):
        run(tmp_path, "out", [tmp_path / "empty"])


World = list[tuple[tuple[int, ...], int]]  # per narrative: its ids' numbers, its package
worlds = st.lists(
    st.tuples(st.lists(st.integers(0, 8), max_size=2).map(tuple), st.integers(0, 3)), min_size=2, max_size=8
)


def of_world(number: int, ids: tuple[int, ...], package: int) -> Narrative:
    return narrative(number, name=f"p{package}", ids=tuple(f"CVE-2024-{each + 20_000}" for each in ids))


@settings(max_examples=40, deadline=None)
@given(worlds, st.data())
def test_no_row_ever_changes_side(tmp_path_factory: pytest.TempPathFactory, world: World, data: st.DataObject) -> None:
    root = tmp_path_factory.mktemp("world")
    inputs = [folder(root, f"n{at}", of_world(at, *each)) for at, each in enumerate(world)]
    arrival = data.draw(st.permutations(inputs))
    was: dict[str, str] = {}
    for count in range(1, len(arrival) + 1):
        out, _ = run(root, f"out{count}", arrival[:count])
        lineage = lines(out, "lineage.jsonl")
        sides: dict[str, set[str]] = {}
        for row in lineage:
            assert was.setdefault(row["row"], row["side"]) == row["side"]
            sides.setdefault(row["group"], set()).add(row["side"])
        assert all(len(each) == 1 for each in sides.values())
        texts = [(out / f"{side}.jsonl").read_text() for side in ("train", "valid")]
        assert not any(all(f"CVE-2024-{20_000 + each}" in text for text in texts) for each in range(9))
