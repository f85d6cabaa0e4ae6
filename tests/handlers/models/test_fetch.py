"""`models fetch` against a Hub on loopback: the whole download, quantisation and commit, and what may go wrong."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

mlx_lm = pytest.importorskip("mlx_lm")

import mlx.nn as nn  # noqa: E402

from config.settings import Settings, load  # noqa: E402
from handlers.cli.main import main  # noqa: E402
from handlers.models.base import find_base, read_source  # noqa: E402
from handlers.models.fetch import OLMO, Wanted, fetch  # noqa: E402
from tests.servers.hub import Hub  # noqa: E402
from watcher.errors import BadInput, JobError, Unavailable  # noqa: E402

CARD = b"---\nlicense: apache-2.0\n---\n# A model\n"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    with Hub(owners=("acme", "allenai")) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        page = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", page)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda seconds: None))
        yield server


@pytest.fixture
def wanted(hub: Hub, tiny_model: Path) -> Wanted:
    """A repository as transformers 5 saves a model: the rotary frequency stands in `rope_parameters` alone."""
    files = {each.name: each.read_bytes() for each in tiny_model.iterdir()}
    config = json.loads(files["config.json"])
    config["rope_parameters"] = {"rope_theta": config.pop("rope_theta"), "rope_type": "default"}
    tokenizer = files["tokenizer_config.json"].replace(b"PreTrainedTokenizerFast", b"TokenizersBackend")
    changed = {"config.json": json.dumps(config).encode(), "tokenizer_config.json": tokenizer, "README.md": CARD}
    repository = hub.add("model", "acme/small", files | changed | {"pytorch_model.bin": b"not wanted"}, private=False)
    return Wanted("acme/small", repository.head.oid, "small-mlx")


def settings(tmp_path: Path, quantization: str = "q4") -> Settings:
    return load(None, {"base_models_dir": tmp_path / "base", "fine_tuning": {"mlx": {"quantization": quantization}}})


def say(line: str) -> None:
    return None


def test_it_is_downloaded_quantised_and_found(wanted: Wanted, tmp_path: Path) -> None:
    folder = fetch(wanted, settings(tmp_path), say)
    assert folder == tmp_path / "base" / "small-mlx-q4"
    model, _ = mlx_lm.load(str(folder))
    assert isinstance(model.layers[0].self_attn.q_proj, nn.QuantizedLinear)
    assert model.layers[0].self_attn.q_proj.bits == 4
    assert find_base("small-mlx-q4", settings(tmp_path), tmp_path).path == folder
    source = read_source(folder)
    assert source is not None
    assert (source.repository, source.revision, source.licence, source.bits) == (
        "acme/small", wanted.revision, "apache-2.0", 4,
    )  # fmt: skip
    assert [each.name for each in folder.parent.iterdir() if each.name != ".scantune.lock"] == ["small-mlx-q4"]


@pytest.mark.parametrize(("quantization", "name"), [("q8", "small-mlx-q8"), ("none", "small-mlx")])
def test_the_setting_says_how_many_bits(wanted: Wanted, tmp_path: Path, quantization: str, name: str) -> None:
    folder = fetch(wanted, settings(tmp_path, quantization), say)
    assert folder.name == name
    kept = json.loads((folder / "config.json").read_text()).get("quantization", {}).get("bits")
    assert kept == {"q8": 8, "none": None}[quantization]


def test_the_rotary_frequency_and_the_tokenizer_s_class_are_made_right(wanted: Wanted, tmp_path: Path) -> None:
    folder = fetch(wanted, settings(tmp_path), say)
    model, _ = mlx_lm.load(str(folder))
    assert model.args.rope_theta == 500000.0
    assert not model.args.tie_word_embeddings
    assert json.loads((folder / "tokenizer_config.json").read_text())["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_only_what_counts_is_downloaded_and_only_once(hub: Hub, wanted: Wanted, tmp_path: Path) -> None:
    fetch(wanted, settings(tmp_path), say)
    assert hub.count("GET", r"pytorch_model\.bin") == 0
    asked = len(hub.requests)
    fetch(wanted, settings(tmp_path), say)
    assert len(hub.requests) == asked


def test_a_broken_download_leaves_no_model_and_goes_on(hub: Hub, wanted: Wanted, tmp_path: Path) -> None:
    hub.fail("GET", r"resolve/.*/model\.safetensors", kind="drop", times=50)
    with pytest.raises(Unavailable):
        fetch(wanted, settings(tmp_path), say)
    assert not (tmp_path / "base" / "small-mlx-q4").exists()
    had = hub.count("GET", r"resolve/.*/tokenizer\.json")
    hub.faults.clear()
    assert fetch(wanted, settings(tmp_path), say).is_dir()
    assert hub.count("GET", r"resolve/.*/tokenizer\.json") == had  # what had come was not fetched again


def test_a_full_hub_is_passing_and_a_missing_repository_is_not(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="acme/other"):
        fetch(Wanted("acme/other", "main", "other-mlx"), settings(tmp_path), say)
    hub.fail("GET", "/api/models/acme/other", 503, times=50)
    with pytest.raises(Unavailable, match="503"):
        fetch(Wanted("acme/other", "main", "other-mlx"), settings(tmp_path), say)


def test_what_mlx_lm_does_not_know_is_refused(hub: Hub, wanted: Wanted, tiny_model: Path, tmp_path: Path) -> None:
    files = {each.name: each.read_bytes() for each in tiny_model.iterdir()}
    strange = files["config.json"].replace(b'"olmo2"', b'"unheard_of"')
    hub.add("model", "acme/strange", files | {"config.json": strange}, private=False)
    with pytest.raises(JobError, match="mlx-lm can't read it"):
        fetch(Wanted("acme/strange", "main", "strange"), settings(tmp_path), say)


def test_the_default_is_pinned_and_goes_by_the_name_in_the_settings(
    hub: Hub, wanted: Wanted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = hub.repositories["model", "acme/small"]
    hub.repositories["model", OLMO.repository] = found
    found.commits[-1] = dataclasses.replace(found.head, oid=OLMO.revision)
    monkeypatch.setenv("SCANTUNE_BASE_MODELS_DIR", str(tmp_path / "base"))
    assert main(["--workspace", str(tmp_path / "ws"), "models", "fetch"]) == 0
    folder = tmp_path / "base" / Settings().default_base_model
    assert capsys.readouterr().out.strip() == str(folder)
    assert {each.path.split("/")[4] for each in hub.requests if "/resolve/" in each.path} == {OLMO.revision}


def test_nothing_but_the_model_is_asked_for(hub: Hub, wanted: Wanted, tmp_path: Path) -> None:
    """In a process of its own, as the client reads its environment at import."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "SCANTUNE_"))}
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "SCANTUNE_BASE_MODELS_DIR": str(tmp_path / "base")}
    command = [sys.executable, "-m", "handlers.cli.main", "--workspace", str(tmp_path), "models", "fetch", "acme/small"]
    done = subprocess.run(command, env=kept | own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {request.path.split("/resolve/")[0].split("/tree/")[0] for request in hub.requests} <= {
        "/acme/small",
        "/api/models/acme/small",
        "/api/models/acme/small/revision/main",
        f"/api/models/acme/small/revision/{wanted.revision}",
    }
    assert not [request for request in hub.requests if "torch" in request.headers["user-agent"]]
