"""The worked example of `docs/adding-a-scanner.md` does what the page says."""

import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from handlers.readers import Limits, read_bytes, registry
from handlers.readers.interface import Reader

PAGE = (Path(__file__).parents[3] / "docs" / "adding-a-scanner.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture
def reader() -> Reader:
    names: dict[str, Any] = {}
    exec(compile(block("python"), "adding-a-scanner.md", "exec"), names)
    return names["reader"]  # type: ignore[no-any-return]


def test_the_worked_example(reader: Reader) -> None:
    with mock.patch.object(registry, "readers", return_value=(*registry.readers(), reader)):
        reading = read_bytes(block("json").encode(), Limits())
    (found,) = reading.findings
    assert (reading.status, reading.tool, reading.tool_version) == ("parsed", "lockjaw", "2.1.0")
    assert reading.skipped == {"passed": 1}
    assert (found.severity, found.cwes, found.pointer) == ("high", ("CWE-614",), "/issues/0")
    assert (found.locations[0].path, found.locations[0].line) == ("./app/session.py", 42)


def test_it_fits_the_frame() -> None:
    assert len(block("python").splitlines()) <= 45
