"""One problem, once, over tools, formats and runs; and fingerprints that last."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from handlers.readers import Limits, read_bytes
from handlers.readers.merge import merge
from handlers.records import Finding, Location, Occurrence, Package
from tests.handlers.readers.test_archive import packed


def finding(**fields: Any) -> Finding:
    pointer = fields.setdefault("pointer", "/results/0")
    tool = fields.setdefault("tool", "t")
    occurrence = Occurrence(pointer=pointer, member=fields.get("member"), tool=tool)
    usual: dict[str, Any] = {"fingerprint": "", "format": "f", "title": "T", "class_": "code", "rule_id": "R"}
    return Finding(**usual | fields | {"occurrences": (occurrence,)})


def flaw(*ids: str, **fields: Any) -> Finding:
    package = fields.pop("package", Package(name="lodash", version="4.17.4"))
    return finding(class_="vulnerability", ids=ids, package=package, rule_id=ids[0], **fields)


def place(path: str, line: int | None = None) -> tuple[Location, ...]:
    return (Location(path=path, line=line),)


def test_aliases_join_findings_in_any_order() -> None:
    first, second, third = flaw("CVE-1"), flaw("GHSA-a"), flaw("GHSA-a", "CVE-1", pointer="/results/2")
    for order in ((first, second, third), (third, second, first), (second, third, first)):
        (joined,) = merge(order)
        assert set(joined.ids) == {"CVE-1", "GHSA-a"}
        assert len(joined.occurrences) == 3


def test_other_versions_packages_and_places_stay_apart() -> None:
    others = [
        flaw("CVE-1", package=Package(name="lodash", version="4.17.5")),
        flaw("CVE-1", package=Package(name="underscore", version="4.17.4")),
        flaw("CVE-1", locations=place("b/lock.json")),
    ]
    assert len(merge([flaw("CVE-1", locations=place("a/lock.json")), *others])) == 4


def test_two_tools_that_name_a_place_differently_meet() -> None:
    short = flaw("CVE-1", member="trivy.json", locations=place("package-lock.json"))
    full = flaw("CVE-1", member="osv.json", locations=place("/src/package-lock.json"), severity="high")
    (joined,) = merge([short, full])
    assert joined.severity == "high"
    assert [each.member for each in joined.occurrences] == ["trivy.json", "osv.json"]


def test_two_formats_of_one_scan_meet_line_by_line() -> None:
    def scan(member: str, text: str) -> list[Finding]:
        lines = (3, 3, 9)
        return [
            finding(member=member, locations=place("a.py", line), description=f"{text} {n}")
            for n, line in enumerate(lines)
        ]

    merged = merge([*scan("a.json", "says"), *scan("a.sarif", "tells")])
    assert [len(each.occurrences) for each in merged] == [2, 2, 2]


def test_one_scan_keeps_its_two_problems_on_one_line() -> None:
    assert len(merge([finding(locations=place("a", 3), description=text) for text in ("x", "y")])) == 2


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.sampled_from([None, "m", "n"])), max_size=12))
def test_merging_loses_no_occurrence_and_repeats_nothing(rows: list[tuple[str, int, str | None]]) -> None:
    given_ = [
        finding(rule_id=rule, member=member, locations=place("a", line), pointer=f"/results/{number}")
        for number, (rule, line, member) in enumerate(rows)
    ]
    merged = merge(given_)
    assert sorted(each.pointer for one in merged for each in one.occurrences) == sorted(each.pointer for each in given_)
    assert len({each.fingerprint for each in merged}) == len(merged)
    assert [each.fingerprint for each in merge(merged)] == [each.fingerprint for each in merged]


def sarif(*lines: int, message: str = "bad on line {}") -> bytes:
    results = [
        {
            "ruleId": "R1",
            "message": {"text": message.format(line)},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a"}, "region": {"startLine": line}}}],
        }
        for line in lines
    ]
    return json.dumps({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": results}]}).encode()


def test_fingerprints_survive_moved_lines_and_a_new_scan() -> None:
    before = [each.fingerprint for each in read_bytes(sarif(3, 8), Limits()).findings]
    after = [each.fingerprint for each in read_bytes(sarif(13, 28), Limits()).findings]
    assert before == after
    assert len(set(before)) == 2
    assert [each.fingerprint for each in read_bytes(packed(("x", sarif(3, 8))), Limits()).findings] == before
