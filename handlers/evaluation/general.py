"""A small set of our own about anything but security: what a model must not forget while it is tuned."""

from __future__ import annotations

from pathlib import Path

from handlers.dataset.rows import Example, load_rows

FILE = Path(__file__).with_name("general.jsonl")


def general_rows() -> tuple[Example, ...]:
    return load_rows(FILE).examples
