"""How long an HTTP answer asks to wait: `Retry-After` (RFC 9110, 10.2.3), in seconds or as a date."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds, by the server's own clock where it names one; None if the answer does not say. Names in lower case."""
    named = headers.get("retry-after", "").strip()
    if named.isdecimal():
        return float(named)
    moment = _moment(named)
    return None if moment is None else max(0.0, moment - server_time(headers))


def server_time(headers: Mapping[str, str]) -> float:
    """Seconds since 1970: the answer's `Date`, else this machine's clock."""
    moment = _moment(headers.get("date", ""))
    return time.time() if moment is None else moment


def _moment(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
