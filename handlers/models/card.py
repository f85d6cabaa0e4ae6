"""The card of a finished model (`README.md`): its numbers are those of `metadata.json`, taken from the same record."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from handlers.models.metadata import Losses, Metadata

TEMPLATE = Path(__file__).with_name("card.md.j2")


def model_card(metadata: Metadata, licence: str | None) -> str:
    """The text of the card; `licence` is the base's, by its name on the Hub, or None if nobody knows it."""
    return str(
        ModelCard.from_template(_head(metadata, licence), template_path=str(TEMPLATE), model=metadata, licence=licence)
    )


def _head(metadata: Metadata, licence: str | None) -> ModelCardData:
    return ModelCardData(
        model_name=metadata.name,
        language="en",
        library_name="mlx",
        pipeline_tag="text-generation",
        base_model=metadata.base_model,
        datasets=[metadata.dataset_name],
        tags=["mlx", "security", "vulnerability-analysis", "lora", "scantune", *_warning_tags(metadata)],
        eval_results=[result for split, losses in measured(metadata) for result in _results(metadata, split, losses)],
        license=licence or "other",
        license_name=None if licence else "that-of-the-base-model",
    )


def _warning_tags(metadata: Metadata) -> list[str]:
    return ["for-testing-only"] if metadata.embedded else []


def measured(metadata: Metadata) -> list[tuple[str, Losses]]:
    """What the model has on each side that it was measured on, in the order of the card."""
    test = [("test", metadata.test.after)] if metadata.test else []
    return [("validation", metadata.after), *test]


def _results(metadata: Metadata, split: str, losses: Losses) -> list[EvalResult]:
    values = {"loss": losses.loss, "perplexity": losses.perplexity}
    return [
        EvalResult(
            task_type="text-generation",
            dataset_type=metadata.dataset_name,
            dataset_name=metadata.dataset_name,
            dataset_split=split,
            metric_type=kind,
            metric_name=f"{split} {kind}",
            metric_value=value,
        )
        for kind, value in values.items()
    ]
