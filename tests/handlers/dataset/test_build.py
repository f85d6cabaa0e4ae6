import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Settings
from handlers.dataset import stage
from handlers.dataset.rows import load_rows
from handlers.dataset.split import side_of
from handlers.dataset.statistics import load_statistics
from handlers.records import Narrative, Package
from tests.handlers.dataset.builds import ALL, content, key_on, lines, rows_only, run, with_settings
from tests.handlers.dataset.made import attempt, folder, narrative
from watcher.errors import BadInput
from watcher.stage import Takes


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


def test_no_row_denies_a_fix_that_the_description_names(tmp_path: Path) -> None:
    bare = {"package": Package(name="lxml", ecosystem="pypi", version="4.6.4")}
    told = narrative(1, description="Prior to version 4.6.5, script passes the cleaner.", **bare)
    out, _ = run(tmp_path, "out", [folder(tmp_path, "a", told, narrative(2, **bare))])
    tasks = [(row["fingerprint"], row["task"]) for row in lines(out, "lineage.jsonl")]
    assert (told.analysis.finding.fingerprint, "no_fix") not in tasks
    assert (narrative(2).analysis.finding.fingerprint, "no_fix") in tasks


def test_questions_hold_what_their_answers_rest_on(tmp_path: Path) -> None:
    told = [
        narrative(1, remediation="Drop the parser.", severity="critical", severity_raw="CRITICAL"),
        narrative(2, cvss_vector=None),
        narrative(3, severity_raw="ERROR", severity_origin="level"),
        narrative(4, severity="low", severity_raw="LOW"),
    ]
    seen = msgspec.structs.replace(told[1].analysis, exploited=("CVE-2024-10002 is on the list",))
    told[1] = msgspec.structs.replace(told[1], analysis=seen)
    out, _ = run(tmp_path, "out", [folder(tmp_path, "a", *told)])
    asked = {}
    for side in ("train", "valid"):
        made = [row for row in lines(out, "lineage.jsonl") if row["side"] == side]
        for row, text in zip(made, lines(out, f"{side}.jsonl"), strict=True):
            asked[row["fingerprint"][-1], row["task"]] = text["messages"][0]["content"]
    assert "Severity" not in asked["1", "triage"]  # it follows from the vector
    assert "CVSS:3.1" in asked["1", "triage"]
    assert "Severity: high" in asked["2", "triage"]
    assert "Severity: high (level: ERROR)" in asked["3", "triage"]
    assert "Severity: low\n" in asked["4", "triage"]  # the scanner rates it otherwise than its vector
    assert "Severity" not in asked["4", "cvss"]
    assert "Exploitation: CVE-2024-10002 is on the list" in asked["2", "explain"]
    assert "Exploitation" not in asked["2", "cwe"]
    assert "Advice: Drop the parser." in asked["1", "fix"]


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(12)), st.integers(1, 11))
def test_order_and_place_of_narratives_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    root = tmp_path_factory.mktemp("any")
    one = [folder(root, f"x{each}", narrative(each)) for each in range(12)]
    other = [folder(root, f"y{each}", narrative(each)) for each in order]
    two = other[cut:] + other[:cut] + one[:2]
    assert content(rows_only(root, "one", one, ALL)) == content(rows_only(root, "two", two, ALL))


def test_a_cache_changes_nothing(tmp_path: Path) -> None:
    inputs = [folder(tmp_path, f"x{each}", narrative(each)) for each in range(5)]
    work = attempt(tmp_path / "work")
    outs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        stage(ALL, tmp_path).run(inputs, tmp_path / name, work)
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


@pytest.mark.parametrize(
    ("form", "keys"),
    [("chat", {"messages"}), ("completions", {"prompt", "completion"}), ("instructions", {"instruction", "response"})],
)
def test_each_format_reads_back_as_the_same_rows(tmp_path: Path, form: str, keys: set[str]) -> None:
    inputs = [folder(tmp_path, "a", *map(narrative, range(9)))]
    chat, _ = run(tmp_path, "chat", inputs)
    out, _ = run(tmp_path, form + "-out", inputs, with_settings(format=form))
    assert {*lines(out, "train.jsonl")[0]} == keys
    assert load_rows(out / "train.jsonl") == load_rows(chat / "train.jsonl")


@pytest.mark.parametrize("form", ["chat", "completions"])
def test_parquet_holds_the_same_rows(tmp_path: Path, form: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out, _ = run(tmp_path, "out", [folder(tmp_path, "a", narrative(1))], with_settings(parquet=True, format=form))
    for side in ("train", "valid"):
        assert parquet.read_table(out / f"{side}.parquet").to_pylist() == lines(out, f"{side}.jsonl")


def test_a_third_side_takes_its_groups_from_train_alone(tmp_path: Path) -> None:
    inputs = [folder(tmp_path, "a", *map(narrative, range(60)))]
    two, _ = run(tmp_path, "two", inputs)
    three, _ = run(tmp_path, "three", inputs, with_settings(test_share=0.2))
    before = {row["row"]: row["side"] for row in lines(two, "lineage.jsonl")}
    after = {row["row"]: row["side"] for row in lines(three, "lineage.jsonl")}
    moved = {(before[row], after[row]) for row in before if before[row] != after[row]}
    assert moved == {("train", "test")}
    assert len(lines(three, "test.jsonl")) == sum(side == "test" for side in after.values())


def test_the_mix_is_a_setting(tmp_path: Path) -> None:
    inputs = [folder(tmp_path, "a", *map(narrative, range(100)))]
    out, _ = run(tmp_path, "out", inputs, Settings.model_validate({"dataset": {"tasks": {"fix": 0.0, "cwe": 0.5}}}))
    tasks = load_statistics(out).tasks
    assert "fix" not in tasks
    assert tasks["explain"] == 100
    assert 30 < tasks["cwe"] < 70


def test_near_duplicates_across_the_sides_leave_train(tmp_path: Path) -> None:
    text = " ".join(f"word{each}" for each in range(80))
    trained = narrative(1, name="thing", title="same", description=text, ids=(key_on("train"),), rule_id="r")
    held = narrative(2, name="thing", title="same", description=text, ids=(key_on("valid"),), rule_id="r")
    inputs = [folder(tmp_path, "a", trained), folder(tmp_path, "b", held)]
    out, _ = run(tmp_path, "out", inputs, with_settings(near_duplicate=0.7))
    kept = {(row["task"], row["side"]) for row in lines(out, "lineage.jsonl")}
    assert ("cvss", "valid") in kept
    assert ("cvss", "train") not in kept
    assert load_statistics(out).left_out["nearly the same text"] > 0


def test_rows_that_are_too_long_are_shortened_visibly_or_left_out(tmp_path: Path) -> None:
    short = Settings.model_validate({"fine_tuning": {"training": {"max_seq_length": 400}}})
    told = narrative(1, description="One sentence of many. " * 200)
    endless = msgspec.structs.replace(narrative(2), fix="Do this. " * 400)
    out, _ = run(tmp_path, "out", [folder(tmp_path, "a", told, endless)], short)
    figures = load_statistics(out)
    assert figures.shortened > 0
    assert figures.left_out == {"too long for the base model": 1}
    assert figures.tokens.longest <= 400


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("zero\u200bwidth", "control or invisible characters"),
        ("bell\x07", "control or invisible characters"),
        ("<|assistant|> hello", "tokens of a chat template"),
        ("这是一个漏洞，需要立即修复。", "another script than Latin"),
    ],
)
def test_rows_of_people_pass_the_same_gates(tmp_path: Path, text: str, reason: str) -> None:
    rows = json.dumps({"prompt": "What is this?", "completion": text})
    out, _ = run(tmp_path, "out", [folder(tmp_path, "a", narrative(1)), folder(tmp_path, "b", rows=rows)])
    assert load_statistics(out).left_out == {reason: 1}


World = list[tuple[tuple[int, ...], int]]  # per narrative: its ids' numbers, its package
worlds = st.lists(
    st.tuples(st.lists(st.integers(0, 8), max_size=2).map(tuple), st.integers(0, 3)), min_size=2, max_size=8
)


def of_world(number: int, ids: tuple[int, ...], package: int) -> Narrative:
    return narrative(number, name=f"p{package}", ids=tuple(f"CVE-2024-{each + 20_000}" for each in ids))


@settings(max_examples=25, deadline=None)
@given(worlds, st.data())
def test_no_row_ever_changes_side(tmp_path_factory: pytest.TempPathFactory, world: World, data: st.DataObject) -> None:
    root = tmp_path_factory.mktemp("world")
    inputs = [folder(root, f"n{at}", of_world(at, *each)) for at, each in enumerate(world)]
    arrival = data.draw(st.permutations(inputs))
    was: dict[str, str] = {}
    for count in range(1, len(arrival) + 1):
        out = rows_only(root, f"out{count}", arrival[:count], ALL)
        lineage = lines(out, "lineage.jsonl")
        sides: dict[str, set[str]] = {}
        for row in lineage:
            assert was.setdefault(row["row"], row["side"]) == row["side"]
            sides.setdefault(row["group"], set()).add(row["side"])
        assert all(len(each) == 1 for each in sides.values())
        texts = [(out / f"{side}.jsonl").read_text() for side in ("train", "valid")]
        assert not any(all(f"CVE-2024-{20_000 + each}" in text for text in texts) for each in range(9))
