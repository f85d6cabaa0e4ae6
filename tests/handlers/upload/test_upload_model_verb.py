"""`scantune upload-model`, as a person uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.cli.main import main
from handlers.cli.verbs import upload_model
from tests.servers.hub import TOKEN, Hub
from tests.watcher.toy import FakeClock

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    made = FakeClock()
    monkeypatch.setattr(upload_model, "SYSTEM", made)
    return made


@pytest.fixture
def to_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    monkeypatch.setenv("SCANTUNE_UPLOAD__TO", "hub")
    monkeypatch.setenv("SCANTUNE_FINE_TUNING__HUGGINGFACE__DEFAULT_REPO_PREFIX", "acme")
    return ["--workspace", str(tmp_path / "workspace"), "upload-model"]


def test_it_tells_where_the_model_went(
    hub: Hub, model: Path, to_hub: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*to_hub, str(model)]) == 0
    commit = hub.repositories["model", "acme/webauthn-security"].head.oid
    assert f"{hub.url}/acme/webauthn-security/commit/{commit}" in capsys.readouterr().out


def test_a_dry_run_shows_all_and_sends_nothing(
    hub: Hub, model: Path, to_hub: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*to_hub, str(model), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "acme/webauthn-security on the Hub (private)" in said
    assert "50,000  model.safetensors" in said
    assert "Tuned on findings." in said
    assert hub.requests == []


def test_a_dry_run_names_what_forbids_it(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (model / "README.md").write_text("nothing")
    assert main(["--workspace", str(tmp_path), "upload-model", str(model), "--dry-run"]) == 1
    assert "refused: README.md names no licence" in capsys.readouterr().out


def test_passing_faults_are_waited_out(hub: Hub, model: Path, to_hub: list[str], clock: FakeClock) -> None:
    hub.fail("POST", "/commit/", 503, times=3)
    assert main([*to_hub, str(model)]) == 0
    assert clock.waits == [2, 4, 8]


def test_after_five_minutes_it_gives_up(
    hub: Hub, model: Path, to_hub: list[str], clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.fail("POST", "/api/repos/create", 503, times=1000)
    assert main([*to_hub, str(model)]) == 1
    assert 240 < sum(clock.waits) <= 300
    said = capsys.readouterr().err
    assert "503" in said
    assert TOKEN not in said


def test_what_time_does_not_mend_ends_at_once(
    hub: Hub, model: Path, to_hub: list[str], clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.fail("POST", "/api/repos/create", 401, times=1000)
    assert main([*to_hub, str(model)]) == 1
    assert clock.waits == []
    assert "hf auth login" in capsys.readouterr().err


def test_a_folder_of_the_workspace_by_default(model: Path, tmp_path: Path) -> None:
    assert main(["--workspace", str(tmp_path / "workspace"), "upload-model", str(model)]) == 0
    assert (tmp_path / "workspace" / "publications" / "webauthn-security-v1" / "config.json").is_file()


def test_no_such_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--workspace", str(tmp_path), "upload-model", str(tmp_path / "none")]) == 1
    assert "there is no such folder" in capsys.readouterr().err
