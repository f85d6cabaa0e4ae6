"""Results that look like one that was looked through: they never hide what looking through them would have found."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.readers.sarif.alike import MOST, OFTEN, Alike
from handlers.readers.sarif.fast import is_plain

DEPTH = 200
texts = st.text(max_size=12) | st.sampled_from(['"', "\\", 'a": "b', "\\u0041", "é", "\x1f", "1e9", "{", "}"])
leaves = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    leaves | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=3),
    max_leaves=12,
)


def shown(result: bytes) -> Alike:
    alike = Alike()
    for _ in range(OFTEN):
        alike.see(result)
    return alike


def other(value: Any, data: st.DataObject) -> Any:
    """The same keys in the same nesting with other leaves, most of the time."""
    if isinstance(value, dict):
        return {key: other(each, data) for key, each in value.items()}
    if isinstance(value, list):
        return [other(each, data) for each in value]
    return data.draw(texts if isinstance(value, str) else st.sampled_from([value, 0, -1.5, 10**20]))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["ruleId", "a", "b"]), values, max_size=3), st.booleans(), st.data())
def test_what_looks_alike_is_plain_and_valid(result: dict[str, Any], ascii_: bool, data: st.DataObject) -> None:
    alike = shown(json.dumps(result).encode())
    content = json.dumps(other(result, data), ensure_ascii=ascii_).encode("utf-8", "replace")
    if alike.to_one_seen(content):
        assert is_plain(content, DEPTH)
        assert keys(json.loads(content)) == keys(result)


def keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: keys(each) for key, each in value.items()}
    return [keys(each) for each in value] if isinstance(value, list) else None


SEEN = b'{"ruleId": "R1", "message": {"text": "a \\" b"}, "rank": 1.5, "ok": true}'


@pytest.mark.parametrize(
    "same",
    [
        b'{"ruleId": "R2", "message": {"text": "c\\n"}, "rank": 20, "ok": true}',
        b'{"ruleId": "", "message": {"text": "{}[]:,"}, "rank": -0.25, "ok": true}',
    ],
)
def test_other_values_look_alike(same: bytes) -> None:
    quotes = SEEN.replace(b' \\" ', b" ")
    assert shown(quotes).to_one_seen(same)


@pytest.mark.parametrize(
    "different",
    [
        b'{"ruleId": "R1", "ruleId": {"text": "x"}, "rank": 1.5, "ok": true}',
        b'{"ruleId": "R1", "message": {"text": "x"}, "ruleId": 1.5, "ok": true}',
        b'{"ruleId": "R1", "message": {"text": "x"}, "rank": NaN, "ok": true}',
        b'{"ruleId": "R1", "message": {"text": "\\ud800"}, "rank": 1.5, "ok": true}',
        b'{"ruleId": "R1", "message": {"text": "\xff"}, "rank": 1.5, "ok": true}',
        b'{"ruleId": "R1", "message": {"text": "a\nb"}, "rank": 1.5, "ok": true}',
        b'{"ruleId": "R1", "message": {"text": "x"}, "rank": 1.5, "ok": true} ',
    ],
)
def test_other_keys_and_doubtful_texts_do_not(different: bytes) -> None:
    assert not shown(SEEN.replace(b' \\" ', b" ")).to_one_seen(different)


def test_patterns_are_few() -> None:
    alike = Alike()
    for number in range(MOST + 20):
        for _ in range(OFTEN):
            alike.see(json.dumps({f"k{each}": 1 for each in range(number + 1)}).encode())
    last = json.dumps({f"k{each}": 2 for each in range(MOST + 20)}).encode()
    assert not alike.to_one_seen(last)
    assert alike.to_one_seen(b'{"k0": 2}')
