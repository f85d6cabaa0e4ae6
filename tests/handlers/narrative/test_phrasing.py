"""Wordings are chosen by digest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handlers.narrative.phrasing import Phrasing, code


@given(st.text())
def test_a_seed_always_chooses_the_same(seed: str) -> None:
    assert Phrasing(seed).say("[a|b|c] [d|e]") == Phrasing(seed).say("[a|b|c] [d|e]")


def test_all_wordings_are_used() -> None:
    said = {Phrasing(str(seed)).say("[a|b[1|2]] {name}", name="x") for seed in range(100)}
    assert said == {"a x", "b1 x", "b2 x"}


@given(st.text())
def test_names_are_never_read_as_choices_or_names(value: str) -> None:
    assert Phrasing("seed").say("{name}", name=value) == value
    assert Phrasing("seed").say("{name}", name="[a|b] {name}") == "[a|b] {name}"


@given(st.text())
def test_a_code_span_cannot_be_left(value: str) -> None:
    assert code(value).count("`") == 2


def test_a_sentence_has_a_capital_and_a_full_stop() -> None:
    say = Phrasing("seed").sentence
    assert say("a word") == "A word."
    assert say("really?") == "Really?"
    assert say("`name` stays") == "`name` stays."
