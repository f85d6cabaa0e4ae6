"""The index for whoever only asks while nothing can be written: on a full disk, on a read-only volume."""

from __future__ import annotations

from watcher.database import in_memory
from watcher.index import Index


class Aside(Index):
    """Filled from the folders and kept in memory; the file of the index is neither read nor touched.

    It answers whatever an `Index` answers, after a minute where there are some 200,000 jobs.
    """

    def _open(self) -> None:
        self._database = in_memory()

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        self._database.close()
