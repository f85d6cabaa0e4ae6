"""A loopback Hub, and folders to publish there, for every test of this folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from config.settings import Settings, load
from tests.servers.hub import TOKEN, Hub

MODEL_CARD = """---
license: apache-2.0
base_model: allenai/OLMo-2-0425-1B-Instruct
---
# webauthn-security

Tuned on findings.
"""
DATASET_CARD = """---
license: apache-2.0
configs:
- config_name: default
  data_files:
  - split: train
    path: train.jsonl
  - split: validation
    path: valid.jsonl
---
# Findings
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """The Hub at the endpoint that huggingface_hub uses; the client reads its environment at import only.

    hf_xet reads its own when its session begins, so each test has a session: the cache tells what an endpoint holds
    already, and an earlier test's server may have had the same port.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import _http
    from huggingface_hub.utils._xet import abort_xet_session

    with Hub() as server:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_XET_CACHE", str(tmp_path / "xet"))
        monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda seconds: None))  # nobody else's sleep
        level = logging.getLogger("huggingface_hub").level
        abort_xet_session()
        yield server
        abort_xet_session()
        logging.getLogger("huggingface_hub").setLevel(level)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    return to_hub()


def to_hub(**upload: object) -> Settings:
    wanted = {"upload_enabled": True, "default_repo_prefix": "acme"}
    return load(None, {"upload": {"to": "hub", **upload}, "fine_tuning": {"huggingface": wanted}})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_model(tmp_path / "models" / "webauthn-security-v1")


def make_model(folder: Path, weights: bytes = b"\0" * 50_000) -> Path:
    (folder / "adapters").mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "olmo2"}')
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "adapters" / "adapters.safetensors").write_bytes(b"\1" * 5_000)
    (folder / "metadata.json").write_text(json.dumps({"name": folder.name}))
    (folder / "README.md").write_text(MODEL_CARD)
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "outbox" / "dataset" / "ab" / ("ab" * 32)
    folder.mkdir(parents=True)
    row = json.dumps({"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]})
    (folder / "train.jsonl").write_text(4 * f"{row}\n")
    (folder / "valid.jsonl").write_text(f"{row}\n")
    (folder / "statistics.json").write_text("{}")
    (folder / "README.md").write_text(DATASET_CARD)
    (folder / "receipt.json").write_text('{"clock": {"started": "today"}}')
    return folder
