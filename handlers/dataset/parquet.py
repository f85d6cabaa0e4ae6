"""Each side as Parquet, beside its JSONL: the same rows, for tools that want columns."""

from __future__ import annotations

from pathlib import Path

from handlers.dataset.making import KEYS, Format
from watcher.errors import Unavailable

LONGEST = 1 << 24
"""Bytes of one row at most, far above what any base model takes."""


def write_parquet(side: Path, form: Format) -> None:
    """Writes SIDE.parquet beside SIDE.jsonl. Raises Unavailable without pyarrow."""
    try:
        import pyarrow as pa
        from pyarrow import json, parquet
    except ImportError:
        raise Unavailable(
            "dataset.parquet is set, but pyarrow is not here", "pip install 'scantune[parquet]'"
        ) from None
    text = pa.string()
    message = pa.struct([("role", text), ("content", text)])
    columns = [("messages", pa.list_(message))] if form == "chat" else [(name, text) for name in KEYS[form]]
    schema = pa.schema(columns)
    table = schema.empty_table()
    if side.stat().st_size:
        reading = json.ReadOptions(block_size=LONGEST)
        table = json.read_json(side, reading, json.ParseOptions(explicit_schema=schema))
    parquet.write_table(table, side.with_suffix(".parquet"), compression="zstd")
