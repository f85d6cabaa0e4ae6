"""Xet, whose client is compiled and retries by itself: its limits are set, and its failures are told apart by words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import Settings
from handlers import upload
from handlers.upload.faults import NotAllowed
from tests.servers.hub import TOKEN, Hub
from watcher.children import UNAVAILABLE
from watcher.errors import BadInput, JobError
from watcher.stage import Attempt

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
BLOCKS = "/cas/v1/xorbs"
PLACES = [BLOCKS, *(pytest.param(each, marks=pytest.mark.soak) for each in ("/shards", "xet-write-token"))]
TRIES = 4
"""The first and three more, as `handlers` sets it; the client's own default makes six."""


def surroundings(hub: Hub, home: Path, **more: str) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("SCANTUNE_", "HF_"))}
    hub_names = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf"), "HF_TOKEN": TOKEN}
    wanted = {"SCANTUNE_UPLOAD__TO": "hub", "SCANTUNE_FINE_TUNING__HUGGINGFACE__DEFAULT_REPO_PREFIX": "acme"}
    return mine | hub_names | wanted | more


def attempt(model: Path, root: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """One attempt at the stage, as the watcher makes it."""
    command = [sys.executable, "-P", "-m", "handlers.upload", "--workspace", str(root / "workspace"), str(model)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def is_given_up_and_made_good(hub: Hub, model: Path, root: Path, where: str, **environment: str) -> None:
    hub.fail("*", where, 503, times=1000)
    first = attempt(model, root, surroundings(hub, root, **environment))
    assert first.returncode == UNAVAILABLE, first.stderr
    assert "the Xet storage answers with status 503" in first.stderr
    assert TOKEN not in first.stdout + first.stderr
    assert hub.count("GET", where) + hub.count("POST", where) == TRIES
    hub.faults.clear()
    second = attempt(model, root, surroundings(hub, root, **environment))
    assert second.returncode == 0, second.stderr
    repository = hub.repositories["model", "acme/webauthn-security"]
    assert [each.summary for each in repository.commits[1:]] == ["Publish webauthn-security-v1"]
    assert hub.shards


@pytest.mark.parametrize("where", PLACES)
def test_a_storage_that_is_down_is_given_up_after_four_tries(hub: Hub, model: Path, tmp_path: Path, where: str) -> None:
    is_given_up_and_made_good(hub, model, tmp_path, where, HF_XET_CLIENT_RETRY_BASE_DELAY="10ms")


@pytest.mark.soak
def test_a_storage_that_is_down_with_the_pauses_as_they_are(hub: Hub, model: Path, tmp_path: Path) -> None:
    is_given_up_and_made_good(hub, model, tmp_path, BLOCKS)


def told(name: str, **more: str) -> dict[str, str]:
    """What hf_xet makes of its environment once `handlers` is imported."""
    code = "import handlers, hf_xet, json; print(json.dumps({k: str(v) for k, v in hf_xet.XetConfig().items()}))"
    mine = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run([sys.executable, "-c", code], env=mine | more, capture_output=True, text=True, check=True)
    return {key: value for key, value in json.loads(done.stdout).items() if name in key}


def test_the_client_knows_these_limits_and_a_person_may_change_them() -> None:
    limits = told("client.", HF_XET_CLIENT_RETRY_MAX_ATTEMPTS="7")
    assert limits["client.retry_max_attempts"] == "7"
    assert limits["client.retry_max_duration"] == "0:00:10"
    assert limits["client.connect_timeout"] == "0:00:15"
    assert limits["client.read_timeout"] == "0:05:00"


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [("xet-write-token", 401, NotAllowed), ("/cas/v1/xorbs", 403, NotAllowed), ("/shards", 400, BadInput)],
)
def test_a_status_is_told_in_words_only(
    hub: Hub,
    model: Path,
    settings: Settings,
    tmp_path: Path,
    path: str,
    status: int,
    kind: type[JobError],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    hub.fail("*", path, status, times=1000)
    with pytest.raises(kind) as caught:
        upload.stage(settings, tmp_path).run([model], tmp_path, Attempt("0" * 64, tmp_path, tmp_path))
    assert type(caught.value) is kind
    assert str(status) in caught.value.reason
    assert [each.summary for each in hub.repositories["model", "acme/webauthn-security"].commits[1:]] == []
