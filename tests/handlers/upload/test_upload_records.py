"""The record of a publication, and the digests that everything rests on."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from handlers.upload.publication import Digests, Published, content_digest, differences, digests, dump

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
FILES = st.builds(Digests, path=TEXT, size=st.integers(0, 2**40), sha256=TEXT, git=TEXT)
RECORDS = st.builds(
    Published,
    kind=st.sampled_from(["model", "dataset"]),
    name=TEXT,
    version=TEXT,
    to=st.sampled_from(["local", "hub"]),
    where=TEXT,
    commit=st.none() | TEXT,
    private=st.none() | st.booleans(),
    content=TEXT,
    files=st.lists(FILES, max_size=5).map(tuple),
)


@given(RECORDS)
def test_a_record_reads_back(record: Published) -> None:
    assert msgspec.json.decode(dump(record), type=Published) == record


@given(st.binary(max_size=5000))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_digests_are_those_of_sha256_and_git(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    found = digests("a/b", file)
    assert found == digests("a/b", content)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.size == len(content)
    assert found.git == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def test_git_agrees(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"some\nlines\n")
    done = subprocess.run(["git", "hash-object", tmp_path / "file"], capture_output=True, text=True, check=True)
    assert digests("file", tmp_path / "file").git == done.stdout.strip()


@given(st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=5)), st.randoms())
def test_a_publications_digest_is_of_names_and_contents(contents: dict[str, bytes], chance: object) -> None:
    files = [digests(path, content) for path, content in contents.items()]
    shuffled = files[:]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert content_digest(shuffled) == content_digest(files)
    there = {path: digests(path, content).git for path, content in contents.items()}
    assert differences(files, there) == []
    for path in contents:
        changed = {**there, path: digests(path, contents[path] + b"x").sha256}
        assert [each.path for each in differences(files, changed)] == [path]
        assert [each.path for each in differences(files, {k: v for k, v in there.items() if k != path})] == [path]
