"""Zips (as GitHub Actions makes them, and hostile ones) and gzip: read in memory, never unpacked by name.

Nothing that an archive says of itself is believed: bytes are counted as they come out, names are only labels.
"""

from __future__ import annotations

import bz2
import copy
import io
import lzma
import struct
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from config.settings import Limits
from handlers.readers.interface import MalformedError
from handlers.readers.merge import merge
from handlers.readers.reading import Books, Reading, Status
from watcher.shown import printable

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
GZIP = b"\x1f\x8b"
CHUNK = 1 << 16
RATIO_FROM = 10_000_000
"""Expanded bytes from which the ratio counts: below, even a bomb is harmless and honest text packs well."""
BROKEN = (
    *(zipfile.BadZipFile, NotImplementedError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, ValueError, RuntimeError, IndexError, KeyError, OverflowError),
)
"""What zipfile and the decompressors raise for broken, encrypted or unknown content."""


FVDL = "audit.fvdl"
FPR_PARTS = {"VERSION", "audit.properties", "audit.xml", "attachments.xml", "filtertemplate.xml"}


@dataclass(slots=True)
class Budget:
    """What one dropped file may still cost, archives in archives included. Raises MalformedError when it is used up."""

    limits: Limits
    packed: int
    clock: Callable[[], float] = time.thread_time  # of the processor: a busy machine makes no report a hostile one
    expanded: int = 0
    members: int = 0
    until: float = field(init=False)

    def __post_init__(self) -> None:
        self.until = self.clock() + self.limits.max_seconds

    def take_bytes(self, count: int) -> None:
        """Counts unpacked bytes. Raises OverBudgetError if they, or their ratio to the packed ones, are too many."""
        self.expanded += count
        if self.expanded > self.limits.max_expanded_bytes:
            raise OverBudgetError(
                f"unpacks to more than {self.limits.max_expanded_bytes} bytes (limits.max_expanded_bytes)"
            )
        if self.expanded > RATIO_FROM and self.expanded > self.limits.max_ratio * max(self.packed, 1):
            raise OverBudgetError(f"unpacks to more than {self.limits.max_ratio} times its size (limits.max_ratio)")
        self.check_time()

    def take_members(self, count: int) -> None:
        """Counts files of archives. Raises OverBudgetError if they are too many."""
        self.members += count
        if self.members > self.limits.max_members:
            raise OverBudgetError(f"holds more than {self.limits.max_members} files (limits.max_members)")

    def check_time(self) -> None:
        """Raises OverBudgetError if reading took more of the processor than it may."""
        if self.clock() > self.until:
            raise OverBudgetError(
                f"reading takes more than {self.limits.max_seconds:g} s of the processor (limits.max_seconds)"
            )


class OverBudgetError(MalformedError):
    """A limit of the whole file is reached: what is left of it is not read either."""


ReadMember = Callable[[bytes, str, int], Reading]
"""(content, path of the member, depth of archives) -> what it holds."""


def gunzip(content: bytes, budget: Budget) -> bytes:
    """The content of a gzip file. Raises MalformedError if it is broken or beyond the limits."""
    machine = zlib.decompressobj(wbits=31)
    parts: list[bytes] = []
    try:
        rest = content
        while rest and not machine.eof:
            parts.append(machine.decompress(rest, CHUNK))
            budget.take_bytes(len(parts[-1]))
            rest = machine.unconsumed_tail
    except zlib.error as error:
        raise MalformedError(f"not a readable gzip file: {error}") from None
    if not machine.eof:
        raise MalformedError("the gzip file is cut off")
    return b"".join(parts)


def read_zip(content: bytes, above: str, depth: int, budget: Budget, read: ReadMember) -> Reading:
    """Every member's reading, and all findings merged. `above` is the path of the archive, `""` for the file itself.

    Raises MalformedError for an archive that is broken as a whole, or beyond a limit.
    """
    if depth > budget.limits.max_zip_depth:
        raise MalformedError(
            f"archives in archives more than {budget.limits.max_zip_depth} deep (limits.max_zip_depth)"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
            budget.take_members(len(infos))
            if not infos:
                raise MalformedError("the archive holds no files")
            members = list(_members(archive, infos, above, depth, budget, read))
    except BROKEN as error:
        raise MalformedError(f"not a readable zip file: {error}") from None
    return together(members, above)


def _members(
    archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], above: str, depth: int, budget: Budget, read: ReadMember
) -> Iterator[Reading]:
    names: Counter[str] = Counter()
    fortify = any(info.filename == FVDL for info in infos)
    for info in infos:
        names[info.filename] += 1
        again = f" #{names[info.filename]}" if names[info.filename] > 1 else ""
        path = (f"{above}!" if above else "") + printable(info.filename) + again
        if fortify and beside_fvdl(info.filename):
            reading = Reading(path=path, status="not_a_report", reason="a part of a Fortify project, not its report")
        else:
            reading = _member(archive, info, path, depth, budget, read)
        if again:
            warning = f"{path}: another file of this archive has the same name; both are read"
            reading = change(reading, warnings=(warning, *reading.warnings))
        yield reading


def _member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str, depth: int, budget: Budget, read: ReadMember
) -> Reading:
    if leads_out(info.filename):
        return Reading(path=path, status="quarantined", reason="its name leads out of the archive: not read")
    if info.flag_bits & 1:
        return Reading(path=path, status="quarantined", reason="it is encrypted")
    try:
        return read(_content(archive, info, budget), path, depth)
    except OverBudgetError:
        raise
    except MalformedError as error:
        return Reading(path=path, status="quarantined", reason=str(error))
    except BROKEN as error:
        return Reading(path=path, status="quarantined", reason=f"not readable in the zip: {error}")


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> bytes:
    """What a member unpacks to, counted piece by piece."""
    if info.compress_type == zipfile.ZIP_BZIP2:
        pieces = _bunzip2(archive, info)
    elif info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        pieces = _pieces(archive, info)
    else:
        raise MalformedError(f"it is packed by method {info.compress_type}, which is not read (deflate and bzip2 are)")
    parts: list[bytes] = []
    for part in pieces:
        budget.take_bytes(len(part))
        parts.append(part)
    return b"".join(parts)


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as member:
        while part := member.read(CHUNK):
            yield part


def _bunzip2(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """zipfile unpacks bzip2 without a bound: 900 bytes become a gigabyte in one piece. So its packed bytes are taken
    as stored ones, and unpacked here."""
    packed = copy.copy(info)
    packed.compress_type, packed.file_size = zipfile.ZIP_STORED, info.compress_size
    packed.CRC = 0
    with archive.open(packed) as member:
        member._expected_crc = None  # type: ignore[attr-defined]  # it is that of the unpacked bytes, checked below
        machine, crc = bz2.BZ2Decompressor(), 0
        while not machine.eof:
            rest = member.read(CHUNK) if machine.needs_input else b""
            if machine.needs_input and not rest:
                raise EOFError("the packed data is cut off")
            part = machine.decompress(rest, CHUNK)
            crc = zlib.crc32(part, crc)
            yield part
    if crc != info.CRC:
        raise zipfile.BadZipFile("the checksum is wrong")


def beside_fvdl(name: str) -> bool:
    """What Fortify's project archive (FPR) holds beside its report: settings, audit trail, a copy of the sources."""
    return name.startswith(("src-archive/", f"{FVDL}.")) or name in FPR_PARTS


def leads_out(name: str) -> bool:
    """A name that would leave the folder it is unpacked to, on any system."""
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ".." in plain.split("/") or plain[1:3] == ":/"


def together(members: list[Reading], path: str = "") -> Reading:
    """One reading of several: findings merged, books added up."""
    # Copies: merging writes fingerprints, and each member keeps those that it has by itself.
    findings = merge(copy.copy(finding) for member in members for finding in member.findings)
    seen = sum(member.books.seen for member in members)
    left_out = sum(member.books.left_out for member in members)
    skipped: Counter[str] = Counter()
    for member in members:
        skipped.update(member.skipped)
    return Reading(
        path=path,
        status=common_status(members),
        tool=", ".join(dict.fromkeys(member.tool for member in members if member.tool)) or None,
        books=Books(seen=seen, kept=len(findings), merged=seen - left_out - len(findings), left_out=left_out),
        skipped=dict(sorted(skipped.items())),
        findings=findings,
        reason=_reason(members),
        warnings=tuple(f"{member.path}: {member.reason}" for member in members if member.status == "quarantined"),
        members=tuple(members),
    )


def common_status(members: list[Reading]) -> Status:
    """`quarantined` and `not_a_report` only if no member could be read."""
    statuses = {member.status for member in members}
    if "scan_failed" in statuses:
        return "scan_failed"
    if statuses & {"parsed", "parsed_with_warnings"}:
        return "parsed_with_warnings" if statuses & {"parsed_with_warnings", "quarantined"} else "parsed"
    return "quarantined" if "quarantined" in statuses or not statuses else "not_a_report"


def _reason(members: list[Reading]) -> str | None:
    """The first reasons of those that could not be read; of pages and pictures only if there is nothing else."""
    bad = [each for each in members if each.status in ("quarantined", "scan_failed")]
    pages = [] if any(each.parsed for each in members) else members
    return "; ".join(f"{each.path}: {each.reason}" for each in (bad or pages)[:3]) or None


def change(reading: Reading, warnings: tuple[str, ...]) -> Reading:
    """The same reading with these warnings."""
    status: Status = "parsed_with_warnings" if reading.status == "parsed" and warnings else reading.status
    return msgspec.structs.replace(reading, warnings=warnings, status=status)
