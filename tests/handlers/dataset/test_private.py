"""What is private in a narrative or in a report reaches no file of a dataset."""

import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from config.settings import Settings
from handlers import analysis
from handlers.narrative import stage as narrative_stage
from handlers.records import Narrative
from tests.handlers.dataset.builds import ALL, lines, rows_only, run
from tests.handlers.dataset.made import folder, narrative
from tests.handlers.privacy.canaries import canaries
from watcher.errors import BadInput
from watcher.execute import execute
from watcher.workspace import Workspace


def test_what_is_private_reaches_no_file(tmp_path: Path) -> None:
    secrets = list(canaries(20))
    assert len(secrets) == 500
    made = [
        msgspec.json.decode(planted(narrative(at), text, at), type=Narrative) for at, (_, _, text) in enumerate(secrets)
    ]
    rows = json.dumps({"prompt": f"Is {secrets[0][2]} safe?", "completion": secrets[-1][2], "task": secrets[1][2]})
    out, _ = run(tmp_path, "out", [folder(tmp_path, "a", *made), folder(tmp_path, "b", rows=rows)])
    written = "".join(each.read_text() for each in out.iterdir() if each.suffix in {".jsonl", ".json", ".md"})
    assert len(lines(out, "lineage.jsonl")) > 500
    assert [value for _, value, _ in secrets if value in written] == []


SAMPLE = sorted((Path(__file__).resolve().parents[3] / "handlers" / "demo" / "reports").iterdir())


def test_what_is_private_in_a_report_reaches_no_file(tmp_path: Path) -> None:
    """Private texts in whatever text of real reports, through all stages."""
    workspace, chance = Workspace(tmp_path / "workspace").make(), random.Random(4)
    secrets = list(canaries(20, seed=11))
    chance.shuffle(secrets)
    told, put = [], []
    while secrets:
        report = json.loads(chance.choice(SAMPLE).read_bytes())
        places = list(texts_in(report))
        taken = [(*secrets.pop(), chance.choice(places)) for _ in range(min(20, len(secrets)))]
        for _, _, text, (holder, key) in taken:
            holder[key] = f"{holder[key]} {text}"
        file = tmp_path / f"report{len(secrets)}.json"
        file.write_text(json.dumps(report))
        with contextlib.suppress(BadInput):  # what was planted may make it no report
            done = execute(workspace, analysis.stage(Settings(), workspace.root), [file])
            told.append(execute(workspace, narrative_stage(Settings(), workspace.root), [done.folder]).folder)
            put += [value for _, value, _, _ in taken]
    out = rows_only(tmp_path, "out", told, ALL)
    before = "".join((each / "narrative.jsonl").read_text() for each in told)
    written = "".join(each.read_text() for each in out.iterdir())
    assert sum(value in before for value in put) > 100
    assert [value for value in put if value in written] == []


def texts_in(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a text value, as (holder, key)."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        if isinstance(value, str):
            yield data, key
        elif isinstance(value, dict | list):
            yield from texts_in(value)


def planted(made: Narrative, text: str, at: int) -> bytes:
    """The narrative with a private text in one of its text fields, a different one each time."""
    data = msgspec.to_builtins(made)
    finding = data["analysis"]["finding"]
    places: list[tuple[Any, Any]] = [(data, each) for each in ("what", "why", "fix", "check")]
    places += [(data["analysis"], each) for each in ("kind", "where", "severity", "affected")]
    places += [(finding, each) for each in ("title", "description", "rule_id", "tool", "pointer", "cvss_vector")]
    places += [(finding["locations"][0], "path"), (finding["package"], "name"), (finding["package"], "version")]
    holder, key = places[at % len(places)]
    holder[key] = f"{holder[key]} {text}"
    return msgspec.json.encode(data)
