"""One commit, verified, tagged, and never a second one: with the real client against a loopback Hub."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from config.settings import Settings, load
from handlers import upload
from handlers.upload.publication import Published
from tests.handlers.upload.conftest import make_model
from tests.servers.hub import Hub
from watcher.errors import Unavailable
from watcher.stage import Attempt

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""The client's own use of httpx2."""


def published(folder: Path, settings: Settings, tmp_path: Path) -> Published:
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    attempt = Attempt(key="0" * 64, resume=tmp_path / "resume", cache=tmp_path / "cache")
    upload.stage(settings, tmp_path).run([folder], out, attempt)
    return msgspec.json.decode((out / upload.PUBLICATION).read_bytes(), type=Published)


@pytest.mark.parametrize("transfer", ["lfs", "multipart", "xet"])
def test_a_model_becomes_one_private_tagged_commit(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path, transfer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", transfer != "xet")
    hub.part = 7_000 if transfer == "multipart" else 0
    record = published(model, settings, tmp_path)
    repository = hub.repositories["model", "acme/webauthn-security"]
    assert repository.private
    assert [each.summary for each in repository.commits] == ["initial commit", "Publish webauthn-security-v1"]
    assert repository.tags == {"v1": repository.head.oid}
    assert record.commit == repository.head.oid
    assert record.where == f"{hub.url}/acme/webauthn-security/commit/{record.commit}"
    there = {path: blob.sha256 or blob.sha1 for path, blob in repository.head.files.items()}
    assert there.keys() == {
        ".gitattributes",
        "README.md",
        "adapters/adapters.safetensors",
        "config.json",
        "metadata.json",
        "model.safetensors",
    }
    assert all(there[each.path] in (each.sha256, each.git) for each in record.files)
    assert bool(hub.shards) == (transfer == "xet")


def test_a_dataset_goes_without_what_is_the_engines(
    hub: Hub, dataset: Path, settings: Settings, tmp_path: Path
) -> None:
    record = published(dataset, settings, tmp_path)
    repository = hub.repositories["dataset", "acme/webauthn-security-dataset"]
    assert sorted(repository.head.files) == [
        ".gitattributes",
        "README.md",
        "statistics.json",
        "train.jsonl",
        "valid.jsonl",
    ]
    assert repository.tags == {record.version: repository.head.oid}
    assert record.version.startswith("d")


def test_publishing_again_makes_no_commit_and_sends_nothing(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path
) -> None:
    first = published(model, settings, tmp_path)
    hub.requests.clear()
    assert published(model, settings, tmp_path) == first
    assert hub.count("POST", "/commit/|/preupload/|/batch") == hub.count("PUT", "/lfs/") == 0


def test_a_new_version_replaces_weights_and_keeps_the_old_tag(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path
) -> None:
    (model / "model-00002-of-00002.safetensors").write_bytes(b"2" * 100)
    old = published(model, settings, tmp_path)
    new = published(make_model(tmp_path / "models" / "webauthn-security-v2", b"\2" * 60_000), settings, tmp_path)
    repository = hub.repositories["model", "acme/webauthn-security"]
    assert repository.tags == {"v1": old.commit, "v2": new.commit}
    assert "model-00002-of-00002.safetensors" not in repository.head.files
    assert old.commit is not None
    kept = repository.at(old.commit)
    assert kept is not None
    assert "model-00002-of-00002.safetensors" in kept.files


def test_an_older_version_published_again_does_not_take_the_head_back(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path
) -> None:
    old = published(model, settings, tmp_path)
    new = published(make_model(tmp_path / "models" / "webauthn-security-v2", b"\2" * 60_000), settings, tmp_path)
    assert published(model, settings, tmp_path) == old
    repository = hub.repositories["model", "acme/webauthn-security"]
    assert repository.head.oid == new.commit
    assert len(repository.commits) == 3


def test_a_lost_answer_does_not_make_a_second_commit(hub: Hub, model: Path, settings: Settings, tmp_path: Path) -> None:
    hub.fail("POST", "/commit/main", kind="lost")
    with pytest.raises(Unavailable):
        published(model, settings, tmp_path)
    record = published(model, settings, tmp_path)
    repository = hub.repositories["model", "acme/webauthn-security"]
    assert [each.summary for each in repository.commits] == ["initial commit", "Publish webauthn-security-v1"]
    assert record.commit == repository.head.oid == repository.tags["v1"]


def test_somebody_elses_commit_in_between_is_read_and_kept(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path
) -> None:
    repository = hub.add("model", "acme/webauthn-security", {})
    raced = []

    def race(request: object) -> None:
        if getattr(request, "path", "").endswith("/commit/main") and not raced:
            raced.append(repository.add("a colleague's", {**repository.head.files, "NOTES.md": hub._blob("", b"hi")}))

    hub.before = race
    published(model, settings, tmp_path)
    summaries = [each.summary for each in repository.commits]
    assert summaries == ["initial commit", "Add files", "a colleague's", "Publish webauthn-security-v1"]
    assert "NOTES.md" in repository.head.files


def test_bytes_that_went_wrong_there_are_not_recorded(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path
) -> None:
    wrong = json.dumps([{"type": "file", "path": "config.json", "size": 23, "oid": "0" * 40}]).encode()
    hub.before = lambda request: (
        hub.fail("GET", "/tree/", 200, body=wrong) if request.path.endswith("/commit/main") else None
    )
    with pytest.raises(Unavailable, match="holds other bytes than were sent"):
        published(model, settings, tmp_path)
    assert not (tmp_path / "out" / upload.PUBLICATION).exists()
    assert not hub.repositories["model", "acme/webauthn-security"].tags


def test_visibility_follows_the_setting(hub: Hub, model: Path, settings: Settings, tmp_path: Path) -> None:
    repository = hub.add("model", "acme/webauthn-security", {}, private=False)
    published(model, settings, tmp_path)
    assert repository.private
    wanted = {"upload_enabled": True, "private_repos": False}
    public = load(None, {"upload": {"to": "hub"}, "fine_tuning": {"huggingface": wanted}})
    assert published(model, public, tmp_path).private is False  # the prefix is the token's owner here
    assert not repository.private


def test_a_large_tree_is_read_page_by_page(hub: Hub, model: Path, settings: Settings, tmp_path: Path) -> None:
    hub.page = 2
    published(model, settings, tmp_path)
    hub.requests.clear()
    published(model, settings, tmp_path)
    assert hub.count("GET", "/tree/") == 3
    assert len(hub.repositories["model", "acme/webauthn-security"].commits) == 2


def test_a_repository_that_is_there_is_not_made_again(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path
) -> None:
    hub.add("model", "acme/webauthn-security", {})
    published(model, settings, tmp_path)
    assert hub.count("POST", "/api/repos/create") == 0


def test_a_repository_that_is_just_being_made_is_not_asked_for_without_end(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path
) -> None:
    """The client itself would ask on and on, without a pause."""
    body = b'{"error": "Cannot create repo: another conflicting operation is in progress"}'
    hub.fail("POST", "/api/repos/create", 409, body=body, times=1000)
    with pytest.raises(Unavailable, match="somebody else is changing"):
        published(model, settings, tmp_path)
    assert hub.count("POST", "/api/repos/create") == 1
    hub.faults.clear()
    assert published(model, settings, tmp_path).commit
