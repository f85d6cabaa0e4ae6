"""What keeps a publication at home, and the card that goes with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from config.settings import Settings, load
from handlers import upload
from handlers.models.card import model_card
from handlers.models.metadata import write_metadata
from handlers.upload.gates import Consent, front_matter, refusals
from handlers.upload.publish import prepare
from tests.handlers.models import made
from tests.servers.hub import Hub
from watcher.errors import BadInput
from watcher.intake import Sighting
from watcher.receipt import Input, Receipt, dump_receipt
from watcher.stage import Attempt
from watcher.workspace import RECEIPT, Workspace

CANARY = "ghp_" + "A1b2C3d4" * 5


def metadata(model: Path, **facts: object) -> None:
    (model / "metadata.json").write_text(json.dumps({"name": model.name, **facts}))


NONE = Consent()


def reasons(folder: Path, consent: Consent = NONE, *, public: bool = False) -> list[str]:
    return refusals(prepare(folder, load(), folder.parent), consent, public=public)


@pytest.mark.parametrize("file", ["README.md", "evaluation.json", "notes.txt"])
def test_a_secret_in_a_model_is_named_by_its_place_only(model: Path, file: str) -> None:
    with (model / file).open("a") as text:
        text.write(f"\n{CANARY}\n")
    (reason,) = reasons(model, Consent(public=True, worse=True))
    assert reason.startswith(f"{file}, line ")
    assert CANARY not in reason


def test_a_secret_in_a_row_keeps_the_dataset_at_home(dataset: Path) -> None:
    row = {"messages": [{"role": "user", "content": f"use {CANARY}"}, {"role": "assistant", "content": "No."}]}
    with (dataset / "train.jsonl").open("a") as rows:
        rows.write(json.dumps(row) + "\n")
    assert reasons(dataset, Consent(public=True, worse=True)) == ["train.jsonl, line 5, holds what looks like a secret"]


def test_a_model_that_is_not_better_asks_for_consent(model: Path) -> None:
    metadata(model, before={"loss": 2.0, "perplexity": 7.4}, after={"loss": 2.5, "perplexity": 12.2})
    assert "not better than its base" in reasons(model)[0]
    assert reasons(model, Consent(worse=True)) == []
    metadata(model, before={"loss": 2.0, "perplexity": 7.4}, after={"loss": 1.5, "perplexity": 4.5})
    assert reasons(model) == []


def test_an_unknown_licence_stays_private(model: Path) -> None:
    (model / "README.md").write_text("---\nlicense: other\nlicense_name: that-of-the-base-model\n---\n")
    assert reasons(model) == []
    assert "nobody knows" in reasons(model, public=True)[0]


def test_private_sources_become_public_by_consent_only(model: Path) -> None:
    publication = replace(prepare(model, load(), model.parent), private_sources=("acme/app",))
    assert refusals(publication, Consent(), public=False) == []
    assert "acme/app" in refusals(publication, Consent(), public=True)[0]
    assert refusals(publication, Consent(public=True), public=True) == []


def test_private_sources_are_found_through_the_receipts(model: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace").make()
    digests = {"private": "a" * 64, "public": "b" * 64, "unknown": "c" * 64}
    inputs = tuple(Input(digest, "artifacts", digest) for digest in digests.values())
    keys = {stage: f"{number}" * 64 for number, stage in enumerate(("analysis", "dataset", "training"), 1)}
    write_receipt(workspace, "analysis", keys["analysis"], inputs)
    write_receipt(workspace, "dataset", keys["dataset"], (Input("d" * 64, "analysis", keys["analysis"]),))
    write_receipt(workspace, "training", keys["training"], (Input("e" * 64, "dataset", keys["dataset"]),))
    provenance = {"private": {"private": True, "repository": "acme/app"}, "public": {"private": False}, "unknown": {}}
    seen = [Sighting(digest=digests[each], name=each, when="", provenance=provenance[each]) for each in digests]
    (workspace.state / "sightings.jsonl").write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in seen))
    metadata(model, job=keys["training"])
    public = load(None, {"upload": {"to": "hub"}, "fine_tuning": {"huggingface": {"private_repos": False}}})
    assert prepare(model, public, workspace.root).private_sources == ("acme/app",)
    (workspace.job("dataset", keys["dataset"]) / RECEIPT).write_bytes(b"{")
    with pytest.raises(BadInput, match="receipt"):  # what it was made of may be private
        prepare(model, public, workspace.root)
    shutil.rmtree(workspace.job("dataset", keys["dataset"]))  # pruned
    assert prepare(model, public, workspace.root).private_sources == ()


def write_receipt(workspace: Workspace, stage: str, key: str, inputs: tuple[Input, ...]) -> None:
    facts = {"stage": stage, "version": "1", "key": key, "input": "0" * 64, "inputs": inputs, "settings": {}}
    receipt = Receipt(**facts, outputs={}, output_digest="f" * 64)  # type: ignore[arg-type]
    folder = workspace.job(stage, key)
    folder.mkdir(parents=True)
    (folder / RECEIPT).write_bytes(dump_receipt(receipt))


@pytest.mark.parametrize("card", ["", "no head", "---\nlicense: mit\n", "---\n: : :\n---\n", "---\n- a\n---\n"])
def test_a_head_that_is_none(card: str) -> None:
    assert front_matter(card) == {}


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_the_models_card_links_the_datasets_commit(
    hub: Hub, model: Path, dataset: Path, settings: Settings, tmp_path: Path
) -> None:
    from handlers.training.rows import load_sides

    digest = load_sides(dataset, 0.2).digest
    facts = msgspec.structs.replace(made.metadata(model.name), dataset_digest=digest)
    write_metadata(model, facts)
    (model / "README.md").write_text(model_card(facts, "apache-2.0"))
    for number, folder in enumerate((dataset, model)):
        out = tmp_path / str(number)
        out.mkdir()
        upload.stage(settings, tmp_path).run([folder], out, Attempt("0" * 64, tmp_path, tmp_path))
    rows = hub.repositories["dataset", "acme/webauthn-security-dataset"]
    assert rows.tags == {f"d{digest[:12]}": rows.head.oid}
    card = hub.repositories["model", "acme/webauthn-security"].head.files["README.md"].content.decode()
    head = front_matter(card)
    assert head["datasets"] == ["acme/webauthn-security-dataset"]
    result = head["model-index"][0]["results"][0]["dataset"]  # type: ignore[index]
    assert len(head["model-index"][0]["results"][0]["metrics"]) == 2  # type: ignore[index]
    assert (result["type"], result["revision"]) == ("acme/webauthn-security-dataset", rows.head.oid)
    assert card.count("# webauthn-security-v1\n") == 1  # the text is as it was
    assert f"{hub.url}/datasets/acme/webauthn-security-dataset/tree/{rows.head.oid}" in card


def test_uploads_wait_until_they_are_wanted(model: Path, dataset: Path, tmp_path: Path) -> None:
    job = tmp_path / "job"
    job.mkdir()
    (job / "model.json").write_text(json.dumps({"name": "m-v1", "promoted": False, "reasons": ["loss rose"]}))
    off, on = load(), load(None, {"fine_tuning": {"huggingface": {"upload_enabled": True}}})
    assert "uploads are off" in (upload.stage(off, tmp_path).ready([dataset]) or "")
    assert upload.stage(on, tmp_path).ready([dataset]) is None
    assert upload.stage(on, tmp_path).ready([job]) == "m-v1 was not promoted: loss rose"
    (job / "model.json").write_text(json.dumps({"name": "m-v1", "promoted": True}))
    assert upload.stage(on, tmp_path).ready([job]) is None
    (dataset / "valid.jsonl").unlink()
    assert "no validation side" in (upload.stage(on, tmp_path).ready([dataset]) or "")


def test_a_refused_job_is_quarantined_with_every_reason(model: Path, tmp_path: Path) -> None:
    (model / "README.md").write_text(f"---\nlanguage: en\n---\n{CANARY}\n")
    with pytest.raises(BadInput) as caught:
        upload.stage(load(), tmp_path).run([model], tmp_path, Attempt("0" * 64, tmp_path, tmp_path))
    assert "names no licence" in caught.value.reason
    assert "README.md, line 4" in caught.value.reason
