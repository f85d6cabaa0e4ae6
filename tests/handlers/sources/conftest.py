"""A loopback GitHub, a poller of it, and a clock whose time passes by hand, for every test of this folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import load
from handlers.sources import feeds
from handlers.sources.github import Poller
from tests.servers.github import TOKEN, GitHub, Project
from tests.watcher.toy import FakeClock


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as server:
        yield server


@pytest.fixture
def project(github: GitHub) -> Project:
    return github.add("acme/app")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def zipped(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("report.sarif", text)
    return content.getvalue()


made: list[Poller] = []


@pytest.fixture(autouse=True)
def close_pollers() -> Iterator[None]:
    yield
    while made:
        made.pop().close()


def poller(github: GitHub, root: Path, clock: FakeClock, **wanted: object) -> Poller:
    chosen = {"repositories": ["acme/app"], "api_url": github.url, **wanted}
    made.append(Poller(load(None, {"github": chosen}), root, clock, token=lambda url: TOKEN, chance=lambda: 0.5))
    return made[-1]


def landed(root: Path) -> dict[str, bytes]:
    files = (path for path in (root / "inbox").iterdir() if not path.name.endswith(".scantune.json"))
    return {path.name: path.read_bytes() for path in files}


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "PAGE", "per_page=3")
