"""Makes shards in processes of their own: `python -P -m handlers.dataset.worker`, an order on standard input.

Not multiprocessing, which would run the caller's main module again in each process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import msgspec

from handlers.dataset.fill import fill
from handlers.dataset.lines import Line
from handlers.dataset.making import Maker, Recipe
from handlers.records import Record
from watcher.errors import BadInput, Unavailable

PROCESSES = max(1, min(8, os.cpu_count() or 1))
GROUP = 5
"""Shards that one process makes."""


class Order(Record, frozen=True, kw_only=True):
    recipe: Recipe
    tokenizer: str | None  # path
    key: str
    folder: str
    chunks: tuple[tuple[tuple[str, str, int, int], ...], ...]  # lines: digest, file, start, size


class Done(Record, frozen=True, kw_only=True):
    indexes: tuple[str, ...] = ()
    reason: str | None = None  # of a BadInput
    hint: str = ""


def make_in_processes(
    chunks: Sequence[Sequence[Line]],
    maker: Maker,
    folder: Path,
    say: Callable[[str], None],
    stopping: Callable[[], bool],
) -> Iterator[Path]:
    """The indexes of the shards of `chunks`, as they are done. Raises BadInput as `Maker.make` does.

    Raises Unavailable when asked to stop; the shards that are done stay for the next attempt.
    """
    orders = [_order(chunks[start : start + GROUP], maker, folder) for start in range(0, len(chunks), GROUP)]
    with ThreadPoolExecutor(PROCESSES) as pool:
        waiting = [pool.submit(_send, order) for order in orders]
        for number, each in enumerate(as_completed(waiting), start=1):
            yield from map(Path, _accept(each.result()).indexes)
            say(f"made the rows of {number} of {len(orders)} parts")
            if stopping():
                pool.shutdown(cancel_futures=True)
                raise Unavailable("asked to stop while rows were made", "it goes on from there at the next start")


def _order(chunks: Sequence[Sequence[Line]], maker: Maker, folder: Path) -> bytes:
    lines = tuple(tuple((each.digest, str(each.file), each.start, each.size) for each in chunk) for chunk in chunks)
    tokenizer = str(maker.tokenizer) if maker.tokenizer else None
    order = Order(recipe=maker.recipe, tokenizer=tokenizer, key=maker.key, folder=str(folder), chunks=lines)
    return msgspec.msgpack.encode(order)


def _send(order: bytes) -> bytes:
    command = [sys.executable, "-P", "-m", "handlers.dataset.worker"]
    return subprocess.run(command, input=order, stdout=subprocess.PIPE, check=True).stdout


def _accept(answer: bytes) -> Done:
    done = msgspec.msgpack.decode(answer, type=Done)
    if done.reason is not None:
        raise BadInput(done.reason, done.hint)
    return done


def work(content: bytes) -> bytes:
    """Carries out an order and answers it."""
    order = msgspec.msgpack.decode(content, type=Order)
    maker = Maker(order.recipe, Path(order.tokenizer) if order.tokenizer else None, order.key)
    indexes = []
    try:
        for chunk in order.chunks:
            lines = [Line(digest, Path(file), start, size) for digest, file, start, size in chunk]
            indexes.append(str(fill(maker, Path(order.folder), lines)))
    except BadInput as error:
        return msgspec.msgpack.encode(Done(reason=error.reason, hint=error.hint))
    return msgspec.msgpack.encode(Done(indexes=tuple(indexes)))


if __name__ == "__main__":
    sys.stdout.buffer.write(work(sys.stdin.buffer.read()))
