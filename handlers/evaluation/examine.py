"""One model, examined: losses on all rows, losses on the general set, and metrics of what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handlers.dataset.rows import Example
from handlers.evaluation.answers import answer_rows
from handlers.evaluation.general import general_rows
from handlers.evaluation.measure import evaluate_model
from handlers.evaluation.metrics import score
from handlers.evaluation.record import Evaluation, Examined
from handlers.knowledge.cwe import Catalogue
from handlers.training.encode import encode_rows

GENERAL_WINDOW = 512  # tokens; every general row fits


@dataclass(frozen=True, slots=True)
class Paper:
    """What every model is asked: the same for all that are compared."""

    rows: tuple[Example, ...]  # the whole valid side
    test: tuple[Example, ...]  # the frozen side, if there is one
    window: int  # tokens
    asked: int  # how many rows are answered by generation
    answer_tokens: int
    catalogue: Catalogue

    @property
    def questions(self) -> Sequence[Example]:
        """An even choice over the whole file, so that no kind of row is left out."""
        if self.asked >= len(self.rows):
            return self.rows
        return [self.rows[at * len(self.rows) // self.asked] for at in range(self.asked)]


def examine(
    name: str,
    model: Any,
    tokenizer: Any,
    paper: Paper,
    valid: Evaluation | None = None,
    test: Evaluation | None = None,
) -> Examined:
    """Draws nothing at random; `valid` and `test` are the losses, if they were measured before.

    Raises BadInput if no row fits the window.
    """
    answers = answer_rows(model, tokenizer, paper.questions, paper.answer_tokens) if paper.asked else []
    return Examined(
        name=name,
        valid=valid or evaluate_model(model, encode_rows(paper.rows, tokenizer, paper.window)),
        test=test or _tested(model, tokenizer, paper),
        general=evaluate_model(model, encode_rows(general_rows(), tokenizer, GENERAL_WINDOW)),
        metrics=score(paper.questions, answers, paper.catalogue) if answers else (),
        answers=tuple(answers),
    )


def _tested(model: Any, tokenizer: Any, paper: Paper) -> Evaluation | None:
    """None if there is no test row, or none that fits the window."""
    encoded = encode_rows(paper.test, tokenizer, paper.window)
    return evaluate_model(model, encoded) if encoded.rows else None
