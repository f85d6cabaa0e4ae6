"""The pages tell the truth: links lead somewhere, verbs exist, every verb is named in the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.settings import names
from handlers.cli.main import parser

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
README = (CHECKOUT / "README.md").read_text()


def verbs() -> set[str]:
    actions = parser()._subparsers
    assert actions is not None
    return set(actions._group_actions[0].choices or ())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_named_in_passing_exist(page: Path) -> None:
    named = re.findall(r"docs/([a-z-]+\.md)", page.read_text())
    assert [name for name in named if not (CHECKOUT / "docs" / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", page.read_text(), re.DOTALL))
    used = set(re.findall(r"(?:`|^\$? ?)scantune (?:--\w+ \S+ )*([a-z][a-z-]+)", code, re.MULTILINE))
    assert used <= verbs()


def test_readme_names_every_verb() -> None:
    assert [verb for verb in sorted(verbs()) if f"`{verb}" not in README and f"scantune {verb}" not in README] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_named_in_the_pages_exist(page: Path) -> None:
    sections = "|".join(sorted({name.split(".")[0] for name in names() if "." in name}))
    used = re.findall(rf"`((?:{sections})\.[a-z_.]+[a-z_])`", page.read_text())
    known = set(names()) | {name.rsplit(".", depth)[0] for name in names() for depth in range(1, name.count(".") + 1)}
    assert [name for name in used if name not in known and not name.endswith((".py", ".json", ".jsonl", ".md"))] == []
