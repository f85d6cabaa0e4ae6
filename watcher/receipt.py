"""What a finished job leaves in its folder: `receipt.json`, from which the books can be kept and rebuilt."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from watcher.workspace import RECEIPT

SCHEMA = 1
Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""SHA-256 in hexadecimal."""


class Output(msgspec.Struct, frozen=True):
    """One file that the job wrote."""

    sha256: Digest
    bytes: int


class Input(msgspec.Struct, frozen=True, omit_defaults=True):
    """One input of a job: the digest of its content and, unless it was a loose file, the job that made it."""

    digest: Digest
    stage: str = ""
    key: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """All but `clock` is the same on every run of the job on the same inputs."""

    schema: int = SCHEMA
    stage: str
    version: str
    key: Digest
    input: Digest
    """The digest of the input's content; for a collected job, of its manifest."""
    inputs: tuple[Input, ...]
    settings: Mapping[str, object]
    outputs: Mapping[str, Output]
    output_digest: Digest
    counts: Mapping[str, int | float | str] = {}
    warnings: tuple[str, ...] = ()
    incomplete: bool = False
    clock: Mapping[str, int | float | str] = {}
    """`started` (UTC, ISO 8601), `seconds`, and what the stage measured."""


class ReceiptError(Exception):
    """A folder of the outbox whose receipt is missing or can't be read."""


_decoder = msgspec.json.Decoder(Receipt)
_encoder = msgspec.json.Encoder(order="sorted")


def canonical(data: object) -> bytes:
    """JSON with sorted keys and without spaces: the same bytes for the same data."""
    return _encoder.encode(data)


def digest_of(data: object) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(data)).hexdigest()


def job_key(stage: str, version: str, settings: Mapping[str, object], inputs: list[str]) -> str:
    """The key of a job: it depends on nothing else than these four."""
    return digest_of([stage, version, settings, inputs])


def flavour(version: str, settings: Mapping[str, object]) -> str:
    """The digest of what makes a done job stale when it changes; 32 digits."""
    return digest_of([version, settings])[:32]


def tree_digest(outputs: Mapping[str, Output]) -> str:
    """The digest of a folder's content: names and bytes of its files."""
    return digest_of({name: each.sha256 for name, each in outputs.items()})


def dump_receipt(receipt: Receipt) -> bytes:
    """A receipt as the bytes of `receipt.json`."""
    return msgspec.json.format(_encoder.encode(receipt), indent=1) + b"\n"


def read_receipt(folder: Path) -> Receipt:
    """Raises ReceiptError if the folder holds none that can be read."""
    try:
        return _decoder.decode((folder / RECEIPT).read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise ReceiptError(f"{folder / RECEIPT}: {error}") from error
