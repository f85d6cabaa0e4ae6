"""What others make of a publication: `datasets.load_dataset` at a tag, and the client's own check of a folder."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import Settings
from handlers import upload
from tests.servers.hub import TOKEN, Hub
from watcher.stage import Attempt

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
LOAD = """
import json, sys, datasets
sides = datasets.load_dataset(sys.argv[1], revision=sys.argv[2])
facts = {name: [len(side), side.column_names, side[0]["messages"][1]["content"]] for name, side in sides.items()}
print(json.dumps(facts))
"""
DOWNLOAD = """
import json, sys
from huggingface_hub import HfApi, snapshot_download
name, revision, folder = sys.argv[1:]
snapshot_download(name, revision=revision, local_dir=folder)
found = HfApi().verify_repo_checksums(name, revision=revision, local_dir=folder)
print(json.dumps([found.mismatches, found.missing_paths, found.checked_count]))
"""


def publish(folder: Path, settings: Settings, root: Path) -> None:
    upload.stage(settings, root).run([folder], root, Attempt("0" * 64, root, root))


def told(hub: Hub, home: Path, program: str, *words: str) -> object:
    """What a program says in a process of its own: the client reads its environment at import only."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": TOKEN,
        "HF_HOME": str(home / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_load_dataset_reads_every_version_by_its_tag(
    hub: Hub, dataset: Path, settings: Settings, tmp_path: Path
) -> None:
    if importlib.util.find_spec("datasets") is None:
        pytest.skip("the package datasets is not installed here")
    publish(dataset, settings, tmp_path)
    repository = hub.repositories["dataset", "acme/webauthn-security-dataset"]
    (first,) = repository.tags
    with (dataset / "train.jsonl").open("a") as rows:
        rows.write((dataset / "valid.jsonl").read_text().replace("So.", "Because."))
    publish(dataset, settings, tmp_path)
    (second,) = repository.tags.keys() - {first}
    for tag, count in ((first, 4), (second, 5)):
        assert told(hub, tmp_path, LOAD, repository.name, tag) == {
            "train": [count, ["messages"], "So."],
            "validation": [1, ["messages"], "So."],
        }


def test_a_download_of_a_tag_is_what_was_published(hub: Hub, model: Path, settings: Settings, tmp_path: Path) -> None:
    publish(model, settings, tmp_path)
    copy = tmp_path / "copy"
    files = {path.relative_to(model): path.read_bytes() for path in model.rglob("*") if path.is_file()}
    assert told(hub, tmp_path, DOWNLOAD, "acme/webauthn-security", "v1", str(copy)) == [[], [], len(files) + 1]
    assert {path: (copy / path).read_bytes() for path in files} == files
