"""A local publication is what the Hub would get, whole or not there at all."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from config.settings import Settings, load
from handlers import upload
from handlers.upload import gates, local
from handlers.upload.publication import Publication, Published
from handlers.upload.publish import prepare
from tests.servers.hub import Hub
from watcher.errors import BadInput, Unavailable
from watcher.stage import Attempt


def publish(folder: Path, root: Path, **settings: object) -> Published:
    out = root / "out"
    out.mkdir(exist_ok=True)
    attempt = Attempt(key="0" * 64, resume=root / "resume", cache=root / "cache")
    upload.stage(load(None, settings), root).run([folder], out, attempt)
    return msgspec.json.decode((out / upload.PUBLICATION).read_bytes(), type=Published)


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_a_folder_holds_what_the_hub_would_get(hub: Hub, model: Path, settings: Settings, tmp_path: Path) -> None:
    here = publish(model, tmp_path)
    out = tmp_path / "hub"
    out.mkdir()
    upload.stage(settings, tmp_path).run([model], out, Attempt("0" * 64, tmp_path, tmp_path))
    there = msgspec.json.decode((out / upload.PUBLICATION).read_bytes(), type=Published)
    assert here.where == "publications/webauthn-security-v1"
    assert (here.content, here.files) == (there.content, there.files)
    assert local.faults(here.files, tmp_path / here.where) == []


def test_a_second_time_changes_nothing(model: Path, tmp_path: Path) -> None:
    first = publish(model, tmp_path)
    file = tmp_path / first.where / "model.safetensors"
    before = file.stat()
    assert publish(model, tmp_path) == first
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_damage_and_strangers_are_found_and_mended(model: Path, tmp_path: Path) -> None:
    record = publish(model, tmp_path)
    folder = tmp_path / record.where
    (folder / "config.json").write_text("{}")
    (folder / "notes.txt").write_text("mine")
    assert local.faults(record.files, folder) == ["config.json", "notes.txt"]
    assert publish(model, tmp_path) == record
    assert local.faults(record.files, folder) == []
    assert [path.name for path in folder.parent.iterdir() if not path.name.endswith(".lock")] == [folder.name]


def test_a_model_keeps_its_name_whatever_its_folder_is_called(model: Path, tmp_path: Path) -> None:
    copy = model.rename(tmp_path / "copy")
    assert publish(copy, tmp_path).where == "publications/webauthn-security-v1"
    (copy / "metadata.json").write_text('{"name": "../../elsewhere-v1"}')
    with pytest.raises(BadInput, match="is no model's name"):
        publish(copy, tmp_path)


def test_what_goes_away_meanwhile_is_named(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tidied(publication: Publication) -> list[str]:
        (model / "config.json").unlink()
        return []

    monkeypatch.setattr(gates, "secrets", tidied)
    with pytest.raises(Unavailable, match=r"config\.json went away while it was published"):
        publish(model, tmp_path)


def test_a_kill_at_any_step_leaves_the_old_or_the_new(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = publish(model, tmp_path)
    (model / "config.json").write_text('{"model_type": "llama"}')
    folder = tmp_path / old.where
    rename, done = Path.rename, []

    def dies(self: Path, target: Path) -> Path:
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(target)
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", dies)
        with pytest.raises(KeyboardInterrupt):
            publish(model, tmp_path)
    assert not folder.exists()  # between the two renames; the old content waits beside it
    new = publish(model, tmp_path)
    assert new.content != old.content
    assert local.faults(new.files, folder) == []


def test_a_folder_elsewhere_by_setting(model: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "nas"
    record = publish(model, tmp_path, upload={"local_dir": str(elsewhere)})
    assert record.where == "nas/webauthn-security-v1"
    assert (elsewhere / "webauthn-security-v1" / "config.json").is_file()


def test_links_and_hidden_files_stay_at_home(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (model / "link.json").symlink_to(tmp_path / "secret.txt")
    (model / ".cache").mkdir()
    (model / ".cache" / "x").write_text("x")
    found: Publication = prepare(model, load(), model.parent)
    assert "link.json" not in found.sources
    assert not any(".cache" in path for path in found.sources)


def test_a_folder_that_is_neither_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="neither a model"):
        prepare(tmp_path, load(), tmp_path)


def test_nothing_goes_without_a_card_and_a_licence(model: Path, tmp_path: Path) -> None:
    (model / "README.md").write_text("---\nlanguage: en\n---\n")
    with pytest.raises(BadInput, match="names no licence"):
        publish(model, tmp_path)
    (model / "README.md").unlink()
    with pytest.raises(BadInput, match="there is no card"):
        publish(model, tmp_path)
    assert not (tmp_path / "publications").exists()
