"""No hostile text in any field of a finding reaches an analysis or a narrative."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.analysis.rules import analyse
from handlers.clean import clean_code, clean_finding, clean_name, clean_prose, shorten
from handlers.hostile import speaks_to_model
from handlers.knowledge.cwe import Catalogue
from handlers.narrative.rules import narrate
from handlers.records import Finding, Location, Narrative, Occurrence, Package
from tests.handlers.analysis import findings
from tests.handlers.clean import hostile_texts

Plant = Callable[[Finding, str], Finding]
replace = msgspec.structs.replace


def _place(field: str) -> Plant:
    def plant(finding: Finding, text: str) -> Finding:
        first = finding.locations[0] if finding.locations else Location()
        return replace(finding, locations=(replace(first, **{field: text}), *finding.locations[1:]))

    return plant


def _package(field: str, many: bool = False) -> Plant:
    def plant(finding: Finding, text: str) -> Finding:
        package = finding.package or Package(name="name", ecosystem="npm", version="1.0")
        return replace(finding, package=replace(package, **{field: (text,) if many else text}))

    return plant


def _own(field: str, many: bool = False) -> Plant:
    return lambda finding, text: replace(finding, **{field: (text,) if many else text})


def _occurrence(finding: Finding, text: str) -> Finding:
    return replace(finding, occurrences=(Occurrence(pointer=text, member=text, tool=text, rule_id=text),))


OWN = ("tool", "tool_version", "rule_id", "title", "severity_raw", "severity_origin", "cvss_vector", "description",
       "remediation", "snippet", "suppression", "pointer", "member")  # fmt: skip
PLANTS: dict[str, Plant] = {
    **{name: _own(name) for name in OWN},
    **{name: _own(name, many=True) for name in ("cwes", "ids", "references")},
    **{f"location.{name}": _place(name) for name in ("path", "url", "method", "symbol")},
    **{f"package.{name}": _package(name) for name in ("name", "ecosystem", "version", "purl")},
    "package.fixed_versions": _package("fixed_versions", many=True),
    "occurrence": _occurrence,
}


def words(narrative: Narrative) -> list[str]:
    """Every text of the narrative, its analysis and its finding."""
    found: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            for each in value.values():
                collect(each)
        elif isinstance(value, list):
            for each in value:
                collect(each)

    collect(msgspec.to_builtins(narrative))
    return found


def harmful(text: str) -> str | None:
    """What is wrong with a text that came out, or None."""
    if "MARKER" in text:
        return "carries the planted mark"
    if any(piece in text for piece in hostile_texts.TEMPLATE_PIECES):
        return "carries a template token"
    bad = [each for each in text if each != "\n" and unicodedata.category(each) in hostile_texts.UNSEEN_CATEGORIES]
    if bad:
        return f"carries {bad!r}"
    if speaks_to_model(text):
        return "speaks to the model"
    return "carries an endless word" if max(map(len, text.split()), default=0) > 1000 else None


@pytest.mark.parametrize("field", PLANTS)
@pytest.mark.parametrize("finding", [findings.LOG4J, findings.INJECTION, findings.HEADER], ids=lambda each: each.class_)
def test_nothing_hostile_survives_in_any_field(field: str, finding: Finding, catalogue: Catalogue) -> None:
    known = set(words(narrate(analyse(finding, catalogue), catalogue)))
    for hostile in hostile_texts.ALL:
        if field == "snippet" and hostile in hostile_texts.MARKUP:
            continue
        for text in (hostile, f"Detected a flaw. {hostile} It is in the parser."):
            planted = PLANTS[field](finding, text)
            narrative = narrate(analyse(clean_finding(planted, 20_000), catalogue), catalogue)
            for word in set(words(narrative)) - known:
                assert (wrong := harmful(word)) is None, f"{field}: {hostile!r} {wrong}: {word!r}"


@pytest.mark.parametrize("field", ["title", "description", "remediation"])
def test_the_honest_sentences_around_stay(field: str) -> None:
    for hostile in (*hostile_texts.INSTRUCTIONS, *hostile_texts.LINKS):
        planted = PLANTS[field](
            findings.INJECTION, f"The query is concatenated. {hostile}\nThe parser reads past the buffer."
        )
        kept = getattr(clean_finding(planted, 20_000), field)
        assert "The query is concatenated." in kept, hostile
        assert "The parser reads past the buffer." in kept, hostile


HONEST = (
    "An attacker could act as a man-in-the-middle and read the password.",
    "Redirects make curl leak the password used for the first host to the followed-to host.",
    "Encodings like UTF-7 can be used to bypass the application's defensive filters.",
    "The server ignores the previous value of the header.",
    "Do not use MD5; set the flag to true.",
    "This allows users to run commands as root.",
    "jackson-core can throw a StackoverflowError when processing deeply nested data",
    "Ensure top-level permissions are not set to write-all",
    "chroot in GNU coreutils, when used with --userspec, allows local users to escape to the parent session",
    "Affected versions: <1.1.4|>=2.0.0,<2.1.1",
)


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_stays_as_it_is(text: str) -> None:
    assert clean_prose(text, 1000) == text


@pytest.mark.parametrize(
    "name",
    [
        "src/a b/[id].ts",
        "@babel/core",
        "1:2.3-4+deb10u1~x",
        "org.a:b",
        "java.lang.security.audit.x",
        "C:\\a\\b.cs",
        "Map<String, List<T>>",
    ],
)
def test_honest_names_stay_as_they_are(name: str) -> None:
    assert clean_name(name) == name


def test_code_keeps_its_lines() -> None:
    assert clean_code("def f():\n\treturn 1\n", 100) == "def f():\n    return 1"


@given(st.text(), st.integers(10, 200))
def test_cleaning_twice_changes_nothing_more(text: str, most: int) -> None:
    once = clean_prose(text, most)
    assert len(once) <= most
    assert clean_prose(once, most) == once


@given(st.text(alphabet="<|>as&lt;gt[]()INST/ \u200b\x1b", max_size=60))
def test_no_pieces_join_into_a_token(text: str) -> None:
    for made in (clean_prose(text, 1000), clean_name(text), clean_code(text, 1000)):
        assert not any(piece in made for piece in hostile_texts.TEMPLATE_PIECES), made


@pytest.mark.parametrize(
    ("text", "most", "wanted"),
    [
        ("The target (e.g. a link) decides where the browser goes. More.", 30, "The target (e.g. a link)…"),
        ("It reads, i.e. parses, what is sent. And more of it here.", 44, "It reads, i.e. parses, what is sent."),
        ("First. Second one is long", 12, "First."),
    ],
)
def test_an_abbreviation_ends_no_sentence(text: str, most: int, wanted: str) -> None:
    assert shorten(text, most) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It allows **Remote Code Execution (RCE)** or **worse**.", "It allows Remote Code Execution (RCE) or worse."),
        ("# A heading that is much longer than any heading has a right to be, really\nText.",
         "A heading that is much longer than any heading has a right to be, really Text."),
        ("Keep __proto__ and __init__, 2**3 and 4**5, f(**kwargs) and **.", None),
    ],
)  # fmt: skip
def test_markdown_is_no_prose(text: str, wanted: str | None) -> None:
    assert clean_prose(text, 500) == (wanted or text)


@pytest.mark.parametrize(
    "text",
    [
        "Forgetting to check everything before the call lets an attacker in.",
        "The x86 and base64 code of l10n, m4a and h264 runs in 3 steps.",
        "When reviewing the results, the cache of all instructions is read.",
        "Функция читает файл без проверки.",
        "All of the above versions are affected; what you use decides.",
    ],
)
def test_descriptions_are_no_instructions(text: str) -> None:
    assert not speaks_to_model(text)


def test_variation_selectors_carry_nothing() -> None:
    assert clean_prose("a \u26a0\ufe0f warning\ufe01\U000e0151", 100) == "a \u26a0 warning"
