"""Findings that memory should not hold: merged as they come, kept in an unnamed temporary file, read back in order."""

from __future__ import annotations

import hashlib
import tempfile
import weakref
from array import array
from collections.abc import Collection, Iterator

import msgspec

from handlers.readers.fingerprint import fingerprint, subject
from handlers.readers.merge import join, same
from handlers.records import Finding

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Finding)
LENGTH = 4
"""Bytes before each finding that give its size."""


class Spool(Collection[Finding]):
    """The distinct problems among the findings that are added, in order.

    As `merge.merge`, but for two things: the sources of a log (its runs) are not compared with each other, and a
    finding that only a later alias ties to an earlier one stays. About 250 bytes of memory a finding.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the spool
        weakref.finalize(self, self._file.close)
        self._starts = array("Q")  # where each distinct finding lies in the file
        self._others: dict[int, list[int]] = {}  # number of a distinct finding -> where those merged with it lie
        self._numbers: dict[bytes, int] = {}
        self._ordinals: dict[bytes, int] = {}

    def add(self, finding: Finding) -> None:
        """Keeps a finding, by itself or merged with one that states the same."""
        keys = [_digest(_encoder.encode(key)) for key in same(finding)]
        known = next((self._numbers[key] for key in keys if key in self._numbers), None)
        if known is None:
            known = len(self._starts)
            self._name(finding)
            self._starts.append(self._write(finding))
        else:
            self._others.setdefault(known, []).append(self._write(finding))
        for key in keys:
            self._numbers.setdefault(key, known)

    def _name(self, finding: Finding) -> None:
        about = subject(finding)
        ordinal = self._ordinals.get(about, 0)
        self._ordinals[about] = ordinal + 1
        msgspec.structs.force_setattr(finding, "fingerprint", fingerprint(about, ordinal))

    def _write(self, finding: Finding) -> int:
        start = self._file.seek(0, 2)
        content = _encoder.encode(finding)
        self._file.write(len(content).to_bytes(LENGTH, "big") + content)
        return start

    def _read(self, start: int) -> Finding:
        self._file.seek(start)
        return _decoder.decode(self._file.read(int.from_bytes(self._file.read(LENGTH), "big")))

    def __len__(self) -> int:
        return len(self._starts)

    def __iter__(self) -> Iterator[Finding]:
        for number, start in enumerate(self._starts):
            finding = self._read(start)
            others = self._others.get(number)
            yield join([finding, *map(self._read, others)]) if others else finding

    def __contains__(self, finding: object) -> bool:
        return any(each == finding for each in self)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
