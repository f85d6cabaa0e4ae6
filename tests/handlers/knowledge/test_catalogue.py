"""The distilled catalogue: complete, the same every time, quick to open."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from handlers.knowledge import catalogue as module
from handlers.knowledge.advice import FOLDER, load_advice
from handlers.knowledge.catalogue import catalogue_version, open_catalogue
from handlers.knowledge.cwe import Catalogue
from handlers.knowledge.distil import distil


def test_every_weakness_of_the_catalogue_is_there(catalogue: Catalogue) -> None:
    weaknesses = [each for each in catalogue.weaknesses.values() if each.abstraction != "Category"]
    assert len(weaknesses) == 963
    assert catalogue.source == "CWE 4.14"


def test_cross_site_scripting_has_its_relations(catalogue: Catalogue) -> None:
    found = catalogue.weakness("CWE-79")
    assert found is not None
    assert found.common_name == "Cross-site Scripting"
    assert found.parents == (74,)
    assert 80 in found.children
    assert found.owasp == ("A03:2021 Injection",)
    assert "MIT-30.1" in {each.id for each in found.mitigations}
    assert any("Execute Unauthorized Code or Commands" in each.impacts for each in found.consequences)


def test_parents_and_children_agree(catalogue: Catalogue) -> None:
    for each in catalogue.weaknesses.values():
        assert all(each.id in catalogue.weaknesses[above].children for above in each.parents)


def test_categories_have_names(catalogue: Catalogue) -> None:
    found = catalogue.weakness("CWE-310")
    assert found is not None
    assert found.name == "Cryptographic Issues"


@pytest.mark.parametrize("name", ["CWE-0", "CWE-99999", "CWE-x", "79x", "", "CWE-²"])
def test_an_unknown_weakness_is_none(catalogue: Catalogue, name: str) -> None:
    assert catalogue.weakness(name) is None


def test_advice_is_inherited_from_the_nearest_ancestor(catalogue: Catalogue) -> None:
    stored = catalogue.weakness("CWE-80")
    assert stored is not None
    advised = catalogue.advised(stored)
    assert advised is not None
    assert advised[0].id == 79


def test_ancestry_visits_each_once(catalogue: Catalogue) -> None:
    for each in catalogue.weaknesses.values():
        line = [above.id for above in catalogue.ancestry(each)]
        assert line[0] == each.id
        assert len(line) == len(set(line))


def test_the_table_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    made = [msgspec.json.encode(distil(catalogue_version())) for _ in range(2)]
    assert made[0] == made[1]


def test_a_damaged_table_is_made_again(tmp_path: Path) -> None:
    open_catalogue(tmp_path)
    table = tmp_path / "state" / "knowledge" / f"{catalogue_version()}.json"
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2])
    module._open.cache_clear()
    assert open_catalogue(tmp_path).weakness("CWE-79")
    assert table.read_bytes() == whole


def test_an_older_table_goes(tmp_path: Path) -> None:
    older = tmp_path / "state" / "knowledge" / "cwe2-1.0.json"
    older.parent.mkdir(parents=True)
    older.write_text("{}")
    open_catalogue(tmp_path)
    assert not older.exists()


def test_opening_a_made_table_imports_neither_cwe2_nor_a_parser(tmp_path: Path) -> None:
    open_catalogue(tmp_path)
    program = (
        "import sys; from pathlib import Path; from handlers.knowledge.catalogue import open_catalogue\n"
        f"assert open_catalogue(Path({str(tmp_path)!r})).weakness('CWE-79')\n"
        "assert not {'cwe2', 'defusedxml', 'xml.etree.ElementTree'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3])


def test_all_advice_is_of_known_weaknesses_and_has_no_full_stop(catalogue: Catalogue) -> None:
    weaknesses, rules = load_advice()
    assert weaknesses.keys() <= catalogue.weaknesses.keys()
    texts = [text for each in weaknesses.values() for text in (each.flaw, each.effect, each.fix, each.check)]
    texts += [text for each in rules.values() for text in (each.flaw, each.effect, each.fix)]
    assert all(text and not text.endswith(".") for text in texts)
    assert all(text.count("[") == text.count("]") for text in texts)


def test_no_sentence_of_the_catalogue_is_repeated(catalogue: Catalogue) -> None:
    """Advice is in our own words: no ten words in a row stand in the catalogue's prose."""
    from importlib.util import find_spec

    spec = find_spec("cwe2")
    assert spec is not None
    assert spec.origin is not None
    prose = next(Path(spec.origin).parent.glob("database_*/cwec_*.xml")).read_text(encoding="utf-8").lower()
    lines = [line for file in FOLDER.glob("cwe-*.yaml") for line in file.read_text(encoding="utf-8").splitlines()]
    ours = {gram for line in lines for gram in grams(line.lower())}
    assert ours
    assert not [" ".join(gram) for gram in grams(prose) if gram in ours]


def grams(text: str) -> Iterator[tuple[str, ...]]:
    words = text.split()
    return zip(*(words[at:] for at in range(10)), strict=False)


OUTCOME = re.compile(r"\b(see|find|expect|refus|gone|compare|until|and|no|not|none|must|should)", re.IGNORECASE)


def test_every_check_says_what_to_expect() -> None:
    advice, rules = load_advice()
    checks = {str(name): each.check for name, each in (*advice.items(), *rules.items()) if each.check}
    assert len(checks) > 100
    assert not [name for name, check in checks.items() if not OUTCOME.search(check)]
