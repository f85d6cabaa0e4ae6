"""`scantune demo` from a wheel, in an empty folder: what a new user sees first."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
from pathlib import Path

import pytest

from config.settings import Limits
from handlers.models.metadata import Metadata, read_metadata
from handlers.readers import read_report
from tests.whole_way.conftest import SAMPLE, Program, outputs

Shown = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def demo(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Shown]:
    home = tmp_path_factory.mktemp("home")
    program = Program(installed, home / "workspace", home)
    return program, program("demo", timeout=400)


@pytest.fixture(scope="module")
def program(demo: tuple[Program, Shown]) -> Program:
    return demo[0]


@pytest.fixture(scope="module")
def shown(demo: tuple[Program, Shown]) -> str:
    return demo[1].stdout


@pytest.fixture(scope="module")
def model(program: Program) -> Path:
    (folder,) = (program.workspace / "models").glob("[!.]*")
    return folder


@pytest.fixture(scope="module")
def metadata(model: Path) -> Metadata:
    return read_metadata(model)


def row(shown: str, name: str) -> str:
    """The value of one row of the table at the end."""
    (value,) = re.findall(rf"^{name} +(.*)$", shown.rsplit("\n\n", 1)[-1], re.MULTILINE)[:1]
    return value


@pytest.mark.timeout(500)
def test_ends_well(demo: tuple[Program, Shown]) -> None:
    assert demo[1].returncode == 0


def test_table_counts_what_the_reports_hold(shown: str) -> None:
    readings = [read_report(path, Limits()) for path in SAMPLE.iterdir()]
    assert row(shown, "files") == str(len(readings))
    assert row(shown, "findings") == str(sum(len(each.findings) for each in readings))


def test_tuning_takes_a_third_off_the_loss(metadata: Metadata) -> None:
    assert metadata.after.loss < 0.7 * metadata.before.loss


def test_table_card_and_metadata_show_the_same_numbers(shown: str, model: Path, metadata: Metadata) -> None:
    card = (model / "README.md").read_text()
    before, after = metadata.before.loss, metadata.after.loss
    assert row(shown, "validation loss").startswith(f"{before:.4f} before, {after:.4f} after")
    assert f"| {before:.4f} |" in card
    assert f"| {after:.4f} |" in card


def test_evaluation_of_the_job_is_that_of_the_model(program: Program, metadata: Metadata) -> None:
    (file,) = (program.workspace / "outbox" / "training").glob("*/*/evaluation.json")
    text = file.read_text()
    assert str(metadata.before.loss) in text
    assert str(metadata.after.loss) in text


def test_says_that_the_model_is_for_trying_only(shown: str, model: Path) -> None:
    assert "testing only" in (model / "README.md").read_text().lower()
    assert "testing only" in shown.lower() or "trying" in shown.lower()


def test_publishes_dataset_and_model_as_they_are(program: Program, model: Path) -> None:
    places = sorted((program.workspace / "publications").rglob("README.md"))
    assert len(places) >= 2
    published = next(place.parent for place in places if (place.parent / "config.json").is_file())
    for file in ("model.safetensors", "metadata.json", "adapters/adapters.safetensors", "tokenizer.json"):
        assert (published / file).read_bytes() == (model / file).read_bytes()


def test_published_model_passes_validation(program: Program, model: Path) -> None:
    published = next((program.workspace / "publications").rglob("config.json")).parent
    assert program("validate-model", published).returncode == 0


@pytest.mark.parametrize("library", ["mlx_lm", "datasets", "transformers"])
def test_usage_on_the_published_cards_runs_as_printed(program: Program, library: str) -> None:
    """Where each card means it: the model's beside its folder, the dataset's in it. Without a network."""
    needed = "torch" if library == "transformers" else library
    if importlib.util.find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    kind, up = ("train", 0) if library == "datasets" else ("config", 1)
    card = next((program.workspace / "publications").glob(f"*/{kind}*.json*")).with_name("README.md")
    blocks = re.findall(r"```python\n(.*?)```", card.read_text(), re.DOTALL)
    (code,) = [each for each in blocks if each.startswith(f"from {library} ")]
    done = offline(program, code, card.parents[up])
    assert done.returncode == 0, done.stderr


def test_published_dataset_loads_by_the_head_of_its_card(program: Program) -> None:
    if importlib.util.find_spec("datasets") is None:
        pytest.skip("datasets is not installed")
    folder = next((program.workspace / "publications").glob("*/train*.jsonl")).parent
    code = f"import datasets, json; print(json.dumps(datasets.load_dataset('{folder.name}').num_rows))"
    done = offline(program, code, folder.parent)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert loaded.keys() >= {"train", "valid"}
    assert loaded == {side: len((folder / f"{side}.jsonl").read_bytes().splitlines()) for side in loaded}


def offline(program: Program, code: str, folder: Path) -> Shown:
    environment = {**program.environment(), "HF_HUB_OFFLINE": "1", "HF_HOME": str(program.home / "hf")}
    command = [str(program.python), "-P", "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_second_run_does_nothing(program: Program) -> None:
    before = {path: path.stat().st_mtime_ns for path in (program.workspace / "outbox").rglob("*")}
    assert program("run").returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (program.workspace / "outbox").rglob("*")} == before


def test_books_balance(program: Program) -> None:
    assert program("doctor").returncode == 0


def test_no_secret_of_the_sample_leaves_the_private_stages(program: Program, shown: str) -> None:
    secrets = ["lendery-development-key", "reading-room", "lendery-signing"]
    made = [
        path
        for stage in ("dataset", "training", "upload")
        for path in (program.workspace / "outbox" / stage).rglob("*")
    ]
    made += [*(program.workspace / "publications").rglob("*"), *(program.workspace / "models").rglob("*")]
    files = [path for path in made if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if any(each.encode() in path.read_bytes() for each in secrets)]
    assert not [each for each in secrets if each in shown]


def test_status_is_one_json_document(program: Program) -> None:
    status = program("status", "--json")
    assert isinstance(json.loads(status.stdout), dict)
    assert outputs(program.workspace)


@pytest.mark.parametrize("verb", ["run", "watch", "inspect", "status", "why", "train", "models", "poll", "service"])
def test_every_verb_explains_itself(program: Program, verb: str) -> None:
    told = program(verb, "--help")
    assert told.returncode == 0
    assert verb in told.stdout
