"""The demo: the commands that a user would type, one after the other, in a workspace of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import yaml

from handlers.context import Context
from handlers.demo.table import newest_model, table
from handlers.models.base import TINY, tiny_folder
from handlers.models.need import missing_packages
from watcher.errors import BadInput
from watcher.workspace import Workspace

NAME = "lendery-demo"
LORA_MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj", "lm_head"]
MARK = "# Made by `scantune demo`; delete this folder when you have seen enough.\n"


def walk(context: Context) -> int:
    """Runs the whole way and prints each command; returns 0 if all of it worked.

    The workspace is the one that the person named, else `demo/` in the current one. Raises BadInput if it has settings
    that are not the demo's.
    """
    root = context.root if context.named else context.root / "demo"
    workspace = Workspace(root).make()
    _write_settings(root)
    print(f"The demo works in {root}; its findings never mix with yours.", flush=True)
    if not tiny_folder(root).is_dir() and not missing_packages():
        _command(root, "models", "tiny")
    _drop_reports(workspace.inbox)
    status = _command(root, "run")
    model = newest_model(workspace, root / "models")
    if model is not None:
        status = max(status, _command(root, "validate-model", str(model.path)))
    print(f"\n{table(workspace, model)}", flush=True)
    return status


def _write_settings(root: Path) -> None:
    """Raises BadInput rather than overwrite a person's settings."""
    file = root / "config" / "scantune.yaml"
    if file.exists() and not file.read_text(encoding="utf-8").startswith(MARK):
        raise BadInput(f"{file} has settings of your own", "give the demo a folder to itself: --workspace DIR")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(MARK + yaml.safe_dump(_settings(root), sort_keys=False), encoding="utf-8")


def _settings(root: Path) -> dict[str, object]:
    """What differs from the defaults: few and short rows, and steps as large as only a tiny model bears."""
    return {
        "default_base_model": TINY,
        "fine_tuned_models_dir": str(root / "models"),
        "intake": {"settle_seconds": 0.0},
        "dataset": {"tasks": {"analyse": 0.5, "explain": 0.0, "fix": 0.0, "triage": 1.0}},
        "fine_tuning": {
            "default_output_name": NAME,
            "training": {
                "learning_rate": 2.5e-3,
                "batch_size": 8,
                "max_updates": 20,
                "eval_steps": 10,
                "max_seq_length": 512,
                "lora_rank": 16,
                "lora_modules": LORA_MODULES,
            },
            "mlx": {"gradient_checkpointing": False},
            "comfort": {"pause_on_battery": False, "pause_when_hot": False},
            "evaluation": {"answered_rows": 8, "answer_tokens": 48},
            "huggingface": {"upload_enabled": True},
        },
        "upload": {"to": "local"},
    }


def _drop_reports(inbox: Path) -> None:
    """Copies the bundled reports, as a person would."""
    print(f"\n$ cp reports/* {inbox}/", flush=True)
    for report in sorted(resources.files("handlers.demo").joinpath("reports").iterdir(), key=lambda each: each.name):
        with resources.as_file(report) as file:
            shutil.copy(file, inbox / report.name)


def _command(root: Path, *words: str) -> int:
    """Runs `scantune WORDS` in a process of its own, as a person would, and shows it."""
    print(f"\n$ scantune --workspace {root} {' '.join(words)}", flush=True)
    command = [sys.executable, "-P", "-m", "handlers.cli.main", "--workspace", str(root), *words]
    return subprocess.run(command, check=False).returncode
