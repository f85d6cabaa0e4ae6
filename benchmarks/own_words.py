"""Whether a model's own texts pass the facts gate: the embedded tiny model, overfitted on the spot to a few findings.

    python benchmarks/own_words.py [--learned 4] [--others 4] [--epochs 60]

It learns what the rules wrote about some findings of the demo's reports by heart, with scantune's own trainer, and then
writes about these and about others that it never saw. What it learned should pass as its own text; what it never saw
it makes up from what it learned, which the gate has to refuse, by reason. So this shows the gate and the way through
it with a real model, and nothing about how well a model of useful size writes. Exit status 0 if a text of the first
kind passed, none of the second did, and a second run of the model wrote the same.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from config.settings import Settings
from handlers import training
from handlers.analysis.rules import analyse
from handlers.clean import clean_finding
from handlers.dataset.rows import Example, Message
from handlers.knowledge.catalogue import open_catalogue
from handlers.knowledge.cwe import Catalogue
from handlers.models.metadata import find_job
from handlers.models.tiny import make_tiny
from handlers.narrative.model import prompt, write_narratives
from handlers.narrative.rules import narrate
from handlers.readers import read_report
from handlers.records import Narrative, Origin
from watcher.execute import execute
from watcher.workspace import Workspace

REPORTS = Path(__file__).parents[1] / "handlers" / "demo" / "reports"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learned", type=int, default=4)
    parser.add_argument("--others", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=60)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return show(Path(folder), args.learned, args.others, args.epochs)


def show(root: Path, learned: int, others: int, epochs: int) -> int:
    catalogue = open_catalogue(root)
    told = narratives(catalogue, learned + others)
    start = time.perf_counter()
    model = train(root, told[:learned], epochs)
    trained = time.perf_counter()
    texts = [written(model, told, catalogue) for _ in range(2)]
    print(f"trained in {trained - start:.0f} s, wrote twice about {len(told)} findings in", end=" ")
    print(f"{time.perf_counter() - trained:.0f} s")
    own, made_up = (Counter(map(reason, part)) for part in (texts[0][:learned], texts[0][learned:]))
    print(f"about the {learned} that it learned: {dict(own)}\nabout the {others} others: {dict(made_up)}")
    same = texts[0] == texts[1]
    print(f"the same texts again: {same}")
    return 0 if own["by model"] and not made_up["by model"] and same else 1


def narratives(catalogue: Catalogue, count: int) -> list[Narrative]:
    """What the rules write of the first findings of each report, one report after the other."""
    limits = Settings().limits
    reports = [list(read_report(each, limits).findings) for each in sorted(REPORTS.glob("*.json"))]
    found = [report[at] for at in range(count) for report in reports if at < len(report)][:count]
    return [narrate(analyse(clean_finding(each, limits.max_text), catalogue), catalogue) for each in found]


def train(root: Path, told: Sequence[Narrative], epochs: int) -> Path:
    base, rows = root / "tiny", root / "rows"
    make_tiny(base)
    rows.mkdir()
    examples = [each for narrative in told for each in taught(narrative)]
    lines = [msgspec.json.encode({"messages": each.messages}) + b"\n" for each in examples]
    (rows / "train.jsonl").write_bytes(b"".join(lines))
    (rows / "valid.jsonl").write_bytes(lines[0])
    settings = Settings.model_validate(
        {
            "fine_tuned_models_dir": str(root / "models"),
            "fine_tuning": {
                "training": {
                    "method": "full", "learning_rate": 3e-3, "max_epochs": epochs, "patience": 0, "warmup_steps": 20,
                    "eval_steps": 10_000, "save_steps": 10_000, "max_seq_length": 2048,
                },
                "mlx": {"quantization": "none", "gradient_checkpointing": False},
                "evaluation": {"answered_rows": 0},
            },
        }
    )  # fmt: skip
    workspace = Workspace(root / "workspace").make()
    stage = training.stage(settings, workspace.root, base_model=str(base), output_name="by-heart")
    done = execute(workspace, stage, [rows])
    print(f"loss {done.receipt.counts['loss_before']} before, {done.receipt.counts['loss_after']} after")
    folder = find_job(settings.fine_tuned_models_dir, done.receipt.key)
    assert folder is not None, "a training that succeeded leaves a model"
    return folder


def taught(narrative: Narrative) -> Sequence[Example]:
    """The two answers that a model is asked for, as the rules wrote them."""
    answers = {
        "explain": f"{narrative.what}\n\n{narrative.why}",
        "fix": f"{narrative.fix}\n\n{narrative.check}",
    }
    return [
        Example(
            messages=(
                Message(role="user", content=prompt(task, narrative.analysis.finding, tuned=True)),
                Message(role="assistant", content=answer),
            )
        )
        for task, answer in answers.items()
    ]


def written(model: Path, told: Sequence[Narrative], catalogue: Catalogue) -> list[tuple[Narrative, str]]:
    """Each narrative and what became of the model's text about it."""
    from handlers.generation import Generator

    generator, origin = Generator(model), Origin(kind="model", version=model.name, generation=1)
    made = []
    for each in told:
        texts, counts = write_narratives([each], catalogue, generator, origin, tuned=True)
        made.append((texts[0], next(iter(counts))))
    return made


def reason(made: tuple[Narrative, str]) -> str:
    return made[1]


if __name__ == "__main__":
    sys.exit(main())
