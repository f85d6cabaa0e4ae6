"""Where a SARIF result is (3.28, 3.29, 3.30)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers.readers.finish import MANY, clean_path, location, told
from handlers.readers.interface import Ledger
from handlers.readers.sarif import model
from handlers.records import Location

URI = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*:|(?![^/?#]*:))(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|[^\x00-\x7f]|%[0-9A-Fa-f]{2})*"
)
"""A URI reference (RFC 3986, with the letters of RFC 3987): characters, escapes, and a scheme before a first colon."""
NO_REGION = model.Region()


class Places:
    """Makes the locations of a run's results."""

    def __init__(self, run: model.Run, ledger: Ledger) -> None:
        self._artifacts = run.artifacts or []
        self._logical = run.logical_locations or []
        self._ledger = ledger
        self._known: dict[str, tuple[str | None, str | None]] = {}

    def of(self, result: model.Result, at: str) -> tuple[Location, ...]:
        """All of them that say something; `at` is the result's own place in the report, for warnings."""
        given = result.locations
        if given and len(given) == 1 and not result.web_request:
            only = self._location(given[0], at)
            return told((only,)) if only.path is None else (only,)
        return told(self._all(result, at))

    def _all(self, result: model.Result, at: str) -> Iterator[Location]:
        if not result.locations and not result.web_request and not result.analysis_target:
            self._ledger.warn("a result names no location")
        for given in result.locations or ():
            yield self._location(given, at)
        if not result.locations and result.analysis_target:
            yield location(self._file(result.analysis_target)[0])
        if result.web_request and result.web_request.target:
            yield location(None, url=result.web_request.target, method=result.web_request.method)

    def _location(self, given: model.Location, at: str) -> Location:
        physical = given.physical_location
        path, url = self._file(physical.artifact_location) if physical else (None, None)
        region = (physical and physical.region) or NO_REGION
        line, end_line, column = region.start_line, region.end_line, region.start_column
        if line is not None and end_line is not None and end_line < line:
            self._ledger.warn(f"{at}: a region ends before it starts")
            end_line = None
        if line is not None and line < 1:
            self._ledger.warn(f"{at}: line {line} is no line number")
        symbol = self._symbol(given.logical_locations) if given.logical_locations else None
        return location(path, url=url, line=line, end_line=end_line, column=column, symbol=symbol)

    def _file(self, given: model.ArtifactLocation | None) -> tuple[str | None, str | None]:
        """(path, URL) of the location's own URI, or of the artifact that it points to (3.4.5)."""
        uri = given.uri if given else None
        if given and uri is None and given.index is not None and 0 <= given.index < len(self._artifacts):
            artifact = self._artifacts[given.index].location
            uri = artifact.uri if artifact else None
        if uri is None:
            return None, None
        known = self._known.get(uri)
        return known if known is not None else self._new_file(uri)

    def _new_file(self, uri: str) -> tuple[str | None, str | None]:
        valid = URI.fullmatch(uri) is not None
        if not valid:
            self._ledger.warn("a location's URI is not a valid one: kept as it is")
        is_url = uri[:8].lower().startswith(("http://", "https://"))
        file = (None, uri) if is_url else (clean_path(uri), None)
        if valid and len(self._known) < MANY:
            self._known[uri] = file
        return file

    def _symbol(self, logical: list[model.LogicalLocation]) -> str | None:
        first = logical[0]
        if first.index is not None and 0 <= first.index < len(self._logical):
            first = self._logical[first.index]
        return first.fully_qualified_name or first.name
