"""The lines of usage on a published card, run as they are printed there, by somebody who has the publication alone."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mlx_lm")

from config.settings import Settings, load
from handlers import upload
from handlers.models.finish import Wish, finish
from tests.handlers.models.made import make_adapter, result
from tests.handlers.upload.conftest import to_hub
from tests.servers.hub import TOKEN, Hub
from watcher.stage import Attempt

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
    pytest.mark.timeout(600),  # of which almost all is reading torch and transformers, on a busy machine
]

TORCH = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
LIBRARIES = ["mlx_lm", pytest.param("transformers", marks=TORCH)]


@pytest.fixture(scope="module")
def finished(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    adapter = make_adapter(tiny_model, tmp_path_factory.mktemp("adapter") / "lora")
    return finish(result(tiny_model, adapter), Wish(tmp_path_factory.mktemp("models"), "demo"))


def publish(folder: Path, settings: Settings, root: Path) -> None:
    upload.stage(settings, root).run([folder], root, Attempt("0" * 64, root, root))


def snippet(card: str, library: str) -> str:
    """The block of code that begins with an import from a library."""
    (found,) = [
        code for code in re.findall(r"```python\n(.*?)```", card, re.DOTALL) if code.startswith(f"from {library} ")
    ]
    return str(found)


def run(code: str, folder: Path, home: Path, **environment: str) -> str:
    """What it prints, run in `folder` by a process of its own."""
    surroundings = {**os.environ, "HF_HOME": str(home / "hf"), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_card_of_a_folder(finished: Path, tmp_path: Path, library: str) -> None:
    publish(finished, load(None, {}), tmp_path)
    publications = tmp_path / "publications"
    card = (publications / "demo-v1" / "README.md").read_text()
    with Hub() as hub:  # where it would ask, if it did
        said = run(snippet(card, library), publications, tmp_path, HF_ENDPOINT=hub.url)
        assert hub.requests == []
    assert said.strip()


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_card_on_the_hub(hub: Hub, finished: Path, tmp_path: Path, library: str) -> None:
    publish(finished, to_hub(), tmp_path)
    card = hub.repositories["model", "acme/demo"].head.files["README.md"].content.decode()
    assert 'AutoModelForCausalLM.from_pretrained("acme/demo", revision="v1")' in card
    assert "mlx_lm.chat --model acme/demo\n" in card
    names = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    assert run(snippet(card, library), tmp_path, tmp_path, **names).strip()
