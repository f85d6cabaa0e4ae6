"""The upload stage: a dataset or a promoted model becomes a publication, in a folder or on the Hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from config.settings import Settings
from handlers.dataset.parts import side_files
from handlers.upload.publication import dump
from handlers.upload.source import MODEL_RECORD, read_record
from watcher.errors import BadInput
from watcher.stage import Attempt, Outcome, Stage

PUBLICATION = "publication.json"


def stage(settings: Settings, root: Path) -> Stage:
    """Takes jobs of `dataset` and `training`; makes `publication.json`. `root` is the workspace."""

    def run(inputs: Sequence[Path], out: Path, attempt: Attempt) -> Outcome:
        return publish_job(inputs[0], out, settings, root, attempt)

    def ready(inputs: Sequence[Path]) -> str | None:
        return not_ready(inputs[0], settings)

    return Stage(
        name="upload",
        version="1",
        accepts=("dataset", "training"),
        run=run,
        settings=lambda: what_matters(settings),
        ready=ready,
    )


def what_matters(settings: Settings) -> Mapping[str, object]:
    """The settings that decide what is published, where, and for whom to see."""
    wanted = settings.fine_tuning.huggingface
    return {
        "to": settings.upload.to,
        "local_dir": str(settings.upload.local_dir) if settings.upload.local_dir else None,
        "prefix": wanted.default_repo_prefix,
        "private": wanted.private_repos,
        "allow_public": settings.upload.allow_public,
        "name": settings.fine_tuning.default_output_name,
    }


def not_ready(folder: Path, settings: Settings) -> str | None:
    """Why a finished job is not published for now, or None."""
    if not settings.fine_tuning.huggingface.upload_enabled:
        return "uploads are off (fine_tuning.huggingface.upload_enabled, or --upload-model)"
    if side_files(folder, "train") and not side_files(folder, "valid"):
        return "the dataset has no validation side yet"
    try:
        record = read_record(folder) if (folder / MODEL_RECORD).is_file() else None
    except BadInput:
        return None  # the run says what is wrong with it
    if record is not None and not record.promoted:
        return f"{record.name} was not promoted: {'; '.join(record.reasons) or 'no reason is recorded'}"
    return None


def publish_job(folder: Path, out: Path, settings: Settings, root: Path, attempt: Attempt) -> Outcome:
    """Raises BadInput for what must not be published, Unavailable for what can't be just now."""
    from handlers.upload.gates import Consent
    from handlers.upload.publish import check, deliver, prepare

    publication = prepare(folder, settings, root)
    check(publication, settings, Consent(public=settings.upload.allow_public))
    published = deliver(publication, settings, root, attempt.say)
    (out / PUBLICATION).write_bytes(dump(published))
    size = sum(each.size for each in published.files)
    return Outcome(
        counts={"files": len(published.files), "bytes": size, "where": published.where},
        clock={"published": datetime.now(UTC).isoformat(timespec="seconds")},
    )
