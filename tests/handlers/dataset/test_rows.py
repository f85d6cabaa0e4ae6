import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.dataset.rows import load_rows, read_rows, split_rows
from watcher.errors import BadInput

FORMS = [
    {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
    {"instruction": "q", "response": "a"},
    {"prompt": "q", "completion": "a"},
]


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in rows)


def test_the_three_forms_are_one_row() -> None:
    rows = read_rows(lines(*FORMS))
    assert rows.bad == ()
    assert {(each.prompt, each.answer) for each in rows.examples} == {("q", "a")}
    assert [each.role for each in rows.examples[1].messages] == ["user", "assistant"]


def test_an_input_stands_below_its_instruction() -> None:
    row = read_rows(lines({"instruction": "Explain", "input": "CWE-79", "response": "a"})).examples[0]
    assert row.prompt == "Explain\n\nCWE-79"


def test_group_and_task_are_kept() -> None:
    row = read_rows(lines({**FORMS[0], "group": "CVE-2024-1", "task": "fix", "note": 1})).examples[0]
    assert (row.group, row.task) == ("CVE-2024-1", "fix")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "a list, not an object"),
        (b'{"text": "q"}', "has the keys text"),
        (b'{"prompt": "q"}', "has the keys prompt"),
        (b'{"prompt": "q", "completion": 3}', "Expected `str`"),
        (b'{"prompt": "q", "completion": "  "}', "message 2 is empty"),
        (b'{"messages": "q"}', "messages is no list"),
        (b'{"messages": []}', "the last message must be the assistant's"),
        (b'{"messages": [{"role": "assistant", "content": "a"}]}', "no message of the user"),
        (b'{"messages": [{"role": "bot", "content": "a"}]}', "Invalid enum value 'bot'"),
        (lines({"messages": [*FORMS[0]["messages"][::-1]]}).strip(), "the last message must be"),
        (b'{"prompt": "q", "completion": "a", "tools": [1]}', "tools are not supported"),
    ],
)
def test_a_bad_row_is_named_with_its_line(line: bytes, why: str) -> None:
    rows = read_rows(lines(FORMS[0]) + b"\n" + line + b"\n" + lines(FORMS[1]))
    assert len(rows.examples) == 2
    assert [each.line for each in rows.bad] == [3]
    assert why in rows.bad[0].reason


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_every_line_is_a_row_or_named(found: list[bytes]) -> None:
    content = b"\n".join(found)
    rows = read_rows(content)
    # A byte order mark before the first line is no part of it.
    assert len(rows.examples) + len(rows.bad) == sum(
        bool(each.strip()) for each in content.removeprefix(b"\xef\xbb\xbf").splitlines()
    )


def test_a_missing_file_is_a_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        load_rows(tmp_path / "none.jsonl")


def examples(count: int) -> bytes:
    return lines(*({"prompt": f"q{each}", "completion": "a"} for each in range(count)))


@given(st.integers(2, 60), st.randoms(use_true_random=False))
def test_a_split_by_hand_has_both_sides_in_any_order(count: int, chance: object) -> None:
    rows = list(read_rows(examples(count)).examples)
    train, valid = split_rows(rows, 0.2)
    assert train
    assert valid
    assert sorted(each.prompt for each in (*train, *valid)) == sorted(each.prompt for each in rows)
    chance.shuffle(rows)  # type: ignore[attr-defined]
    again = split_rows(rows, 0.2)
    assert {each.prompt for each in again[1]} == {each.prompt for each in valid}


def test_equal_rows_share_a_side() -> None:
    rows = read_rows(examples(3) * 2).examples
    train, valid = split_rows(rows, 0.2)
    assert not {each.prompt for each in train} & {each.prompt for each in valid}


def test_one_row_twice_is_too_little() -> None:
    with pytest.raises(BadInput, match="1 different row"):
        split_rows(read_rows(examples(1) * 2).examples, 0.2)
