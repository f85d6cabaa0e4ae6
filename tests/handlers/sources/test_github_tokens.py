"""Where the token comes from, and that it goes nowhere else."""

from __future__ import annotations

import logging
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from config.settings import load
from handlers.cli.main import main
from handlers.sources.github import Poller
from handlers.sources.tokens import find_token, host_of
from tests.servers.github import TOKEN, GitHub

PUBLIC = "https://api.github.com"
ENTERPRISE = "https://github.example.org/api/v3"


class Keychain(keyring.backend.KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def __init__(self, entries: dict[tuple[str, str], str] | None) -> None:
        super().__init__()
        self.entries = entries

    def get_password(self, service: str, username: str) -> str | None:
        if self.entries is None:
            raise keyring.errors.NoKeyringError("no keychain here")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(Keychain(None))
    yield
    keyring.set_keyring(before)


def gh(folder: Path, script: str) -> None:
    program = folder / "gh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_hosts() -> None:
    assert host_of(PUBLIC) == "github.com"
    assert host_of("https://api.acme.ghe.com") == "acme.ghe.com"
    assert host_of(ENTERPRISE) == "github.example.org"


def test_the_environment_comes_first(tmp_path: Path) -> None:
    keyring.set_keyring(Keychain({("scantune", "github.com"): "of the keychain"}))
    assert find_token(PUBLIC, {"GITHUB_TOKEN": "b", "GH_TOKEN": "a"}) == "a"
    assert find_token(ENTERPRISE, {"GITHUB_TOKEN": "b", "GH_ENTERPRISE_TOKEN": "e"}) == "e"
    assert find_token(PUBLIC, {"GH_ENTERPRISE_TOKEN": "e", "GITHUB_TOKEN": " "}) == "of the keychain"


def test_then_the_command_line(tmp_path: Path) -> None:
    gh(tmp_path, '[ "$*" = "auth token --hostname github.example.org" ] && echo of-gh || exit 1')
    assert find_token(ENTERPRISE, {}) == "of-gh"
    assert find_token(PUBLIC, {}) is None
    gh(tmp_path, "exit 4")
    assert find_token(ENTERPRISE, {}) is None


def test_none_anywhere(tmp_path: Path) -> None:
    assert find_token(PUBLIC, {}) is None


def test_no_output_at_any_level_shows_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with GitHub() as github:
        github.add("acme/app").add(b"report")
        github.add("acme/broken").add(b"report")
        github.fail("GET", "/acme/broken/", 401, body=b'{"message": "bad token"}', times=9)
        repositories = ["acme/app", "acme/broken"]
        settings = load(None, {"github": {"repositories": repositories, "api_url": github.url}})
        poller = Poller(settings, tmp_path, token=lambda url: TOKEN)
        report = poller.poll()
        poller.close()
    said = capfd.readouterr()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).decode("utf-8", "replace")
    assert TOKEN not in "".join([caplog.text, said.out, said.err, kept, *report.problems])
    assert len(report.landed) == len(report.problems) == 1


def test_enterprise_addresses_and_the_verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with GitHub() as github:
        github.add("acme/app").add(b"report")
        monkeypatch.setenv("SCANTUNE_GITHUB__API_URL", f"{github.url}/api/v3")
        monkeypatch.setenv("SCANTUNE_GITHUB__REPOSITORIES", '["acme/app", "acme/none"]')
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        command = ["--workspace", str(tmp_path), "poll", "github", "--once"]
        assert main(command) == 1
        said = capsys.readouterr().err
        assert "1 fetched" in said
        assert "problem: /repos/acme/none/actions/artifacts" in said
        monkeypatch.setenv("SCANTUNE_GITHUB__REPOSITORIES", '["acme/app"]')
        assert main(command) == 0
    assert {request.path.split("/repos")[0] for request in github.requests} == {"/api/v3"}


def test_the_verb_wants_a_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--workspace", str(tmp_path), "poll", "github", "--once"]) == 2
    assert "github.repositories" in capsys.readouterr().err
