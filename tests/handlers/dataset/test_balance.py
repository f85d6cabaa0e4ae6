"""No rule, repository or report has more rows than its share."""

import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.dataset.split import side_of
from handlers.dataset.statistics import load_statistics
from tests.handlers.dataset.builds import content, lines, rows_only, run, with_settings
from tests.handlers.dataset.made import folder, narrative


def test_a_rule_has_its_share_and_a_person_is_no_rule(tmp_path: Path) -> None:
    many = [narrative(each, rule_id="R1", package=None, ids=(), snippet=f"call{each}()") for each in range(60)]
    rows = "\n".join(
        json.dumps({"prompt": f"question{each} {each * 7} x", "completion": f"a{each}"}) for each in range(9)
    )
    inputs = [folder(tmp_path, "a", *many), folder(tmp_path, "b", rows=rows)]
    out, _ = run(tmp_path, "out", inputs, with_settings(max_per_rule=5, near_duplicate=1))
    found = Counter((row["side"], row["task"]) for row in lines(out, "lineage.jsonl") if row["origin"] != "user@1")
    assert max(found.values()) == 5
    assert max(count for (side, _), count in found.items() if side == "valid") == 1
    figures = load_statistics(out)
    assert figures.left_out["more rows of a rule than its share"] > 0
    assert figures.origins["user@1"] == 9


def test_no_report_outweighs_the_others(tmp_path: Path) -> None:
    large = folder(tmp_path, "large", *(narrative(each, rule_id=f"R{each}") for each in range(60)))
    small = folder(tmp_path, "small", *(narrative(each, rule_id=f"R{each}") for each in range(100, 104)))
    out, _ = run(tmp_path, "out", [large, small], with_settings(max_per_repository=10, near_duplicate=1))
    found = Counter(
        (row["side"], row["task"]) for row in lines(out, "lineage.jsonl") if row["fingerprint"] < f"1:{99:032x}"
    )
    assert {each for each in found if found[each] > (10 if each[0] == "train" else 2)} == set()
    assert found["train", "explain"] == 10
    assert load_statistics(out).left_out["more rows of a report than its share"] > 0
    kept = {row["fingerprint"] for row in lines(out, "lineage.jsonl")}
    assert {f"1:{each:032x}" for each in range(100, 104)} <= kept


def test_no_repository_outweighs_the_others_in_however_many_reports(tmp_path: Path) -> None:
    def report(name: str, numbers: range, repository: str | None) -> Path:
        told = (narrative(each, rule_id=f"R{each}", repository=repository, tool=name) for each in numbers)
        return folder(tmp_path, name, *told)

    inputs = [
        report("trivy", range(40), "github.com/o/large"),
        report("grype", range(40, 80), "github.com/o/large"),
        report("mixed", range(80, 84), "github.com/o/small"),
        report("unnamed", range(84, 94), None),
    ]
    capped = with_settings(max_per_repository=10, near_duplicate=1)
    out, _ = run(tmp_path, "out", inputs, capped)
    rows = lines(out, "lineage.jsonl")
    of_large = Counter((row["side"], row["task"]) for row in rows if row["fingerprint"] < f"1:{80:032x}")
    assert of_large["train", "explain"] == 10
    assert max(count for (side, _), count in of_large.items() if side == "valid") == 2
    assert {f"1:{each:032x}" for each in range(80, 84)} <= {row["fingerprint"] for row in rows}
    left_out = load_statistics(out).left_out
    assert left_out["more rows of a repository than its share"] > 0
    assert content(out) == content(run(tmp_path, "again", inputs[::-1], capped)[0])


@given(st.lists(st.sampled_from(["github.com/o/a", "github.com/o/b", None]), min_size=1, max_size=30), st.data())
@settings(max_examples=15, deadline=None)
def test_no_cap_is_passed_whoever_tells_what(names: list[str | None], data: st.DataObject) -> None:
    homes = [data.draw(st.integers(0, 2)) for _ in names]
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        told = defaultdict(list)
        for number, (name, home) in enumerate(zip(names, homes, strict=True)):
            told[home].append(narrative(number, rule_id=f"R{number}", repository=name))
        inputs = [folder(root, str(home), *each) for home, each in told.items()]
        out = rows_only(root, "out", inputs, with_settings(max_per_repository=4, near_duplicate=1))
        owners = {f"1:{n:032x}": name or home for n, (name, home) in enumerate(zip(names, homes, strict=True))}
        rows = lines(out, "lineage.jsonl")
        found = Counter((owners[row["fingerprint"]], row["side"], row["task"]) for row in rows)
        possible = Counter((owners[f"1:{n:032x}"], side_of(f"CVE-2024-{10_000 + n}", 0.2)) for n in range(len(names)))
        for (owner, side), most in possible.items():
            assert found[owner, side, "explain"] == min(most, 4 if side == "train" else 1)
