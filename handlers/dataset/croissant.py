"""The dataset's metadata as Croissant 1.0, for offline use (https://docs.mlcommons.org/croissant/docs/croissant-spec.html).

The files with their digests, and each side as a record set, so that `mlcroissant` finds and reads the rows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from handlers.dataset.making import KEYS
from handlers.dataset.near import THREADS
from handlers.dataset.parts import side_files
from handlers.dataset.statistics import Statistics
from watcher.files import hash_file

FILE = "croissant.json"
_CR, _SC = "http://mlcommons.org/croissant/", "https://schema.org/"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": _SC,
    "sc": _SC,
    "cr": _CR,
    "rai": f"{_CR}RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification gives."""


def write_croissant(folder: Path, figures: Statistics) -> None:
    """Describes the sides' files in `folder`."""
    total = sum(side.rows for side in figures.sides.values())
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": f"{_CR}1.0",
        "name": "security-findings-explained",
        "description": f"{total} chat rows about {figures.problems} problems that security scanners reported.",
        "license": "as-of-its-sources",
        "url": "https://huggingface.co/datasets",
        "version": "1.0.0",
        "distribution": [each for side in figures.sides for each in _files(folder, side, figures)],
        "recordSet": [_records(side, figures) for side in figures.sides],
    }
    (folder / FILE).write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def _files(folder: Path, side: str, figures: Statistics) -> list[dict[str, object]]:
    """The side's file; of a dataset in parts all of them, and the set that they are."""
    with ThreadPoolExecutor(THREADS) as pool:  # hashing does not hold the interpreter's lock
        files = list(pool.map(_file, side_files(folder, side)))
    path = figures.sides[side].path(side)
    if len(files) == 1:
        return files
    kind = {"encodingFormat": "application/jsonlines", "includes": path}
    return [*files, {"@type": "cr:FileSet", "@id": path, "name": path, **kind}]


def _file(path: Path) -> dict[str, object]:
    digest, size = hash_file(path)
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "contentSize": f"{size} B",
        "encodingFormat": "application/jsonlines",
        "sha256": digest,
    }


def _records(side: str, figures: Statistics) -> dict[str, object]:
    form, path = figures.built.format, figures.sides[side].path(side)
    if form == "chat":
        fields = [_field(side, path, f"{part}s", "messages", part) for part in ("role", "content")]
    else:
        fields = [_field(side, path, column, column) for column in KEYS[form]]
    return {
        "@type": "cr:RecordSet",
        "@id": side,
        "name": side,
        "description": f"{figures.sides[side].rows} rows",
        "field": fields,
    }


def _field(side: str, path: str, name: str, column: str, part: str | None = None) -> dict[str, object]:
    """A column, or one part of each object in a column of lists."""
    kind = "fileSet" if "*" in path else "fileObject"
    source: dict[str, object] = {kind: {"@id": path}, "extract": {"column": column}}
    field: dict[str, object] = {
        "@type": "cr:Field",
        "@id": f"{side}/{name}",
        "name": name,
        "dataType": "sc:Text",
        "source": source,
    }
    if part:
        source["transform"] = {"jsonPath": f"$.{part}"}
        field["repeated"] = True
    return field
