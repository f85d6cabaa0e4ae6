"""What the Hub, the client or the network says when a publication fails, in words for a person.

    Unavailable     the whole operation is tried again later: 408, 409, 412, 429, 5xx, dropped connections, no answer,
    │               an answer that is not JSON
    └── NotAllowed  only a person can help: no token, 401, 403, offline mode; asked again once in a long while
    BadInput        the Hub refuses the content: 400, 402, 404, 413, 422

huggingface_hub raises httpx2 errors, its own HfHubHTTPError, builtin ConnectionError (Xet, without a response, even for
a 401), JSONDecodeError (an HTML page where JSON was due) and RuntimeError around any of these in its threads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx2
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from handlers.waits import asked_wait
from watcher.errors import BadInput, JobError, Unavailable

EXPLAINED = (httpx2.HTTPError, OSError, RuntimeError, ValueError, LookupError)
"""What a call of huggingface_hub may raise; JSONDecodeError is a ValueError, HfHubHTTPError an OSError, and LookupError
what becomes of an answer that lacks a field."""

ASK_AGAIN_SECONDS = 3600.0
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN, with a token that may write"

_SECRETS = re.compile(r"hf_[A-Za-z0-9_]{6,}|(?i:bearer)\s+\S+|(?<=[?&])(?:X-Amz-|Signature|token)[^\s&]*")


class NotAllowed(Unavailable):
    """Trying again soon can't help; a person has to do something."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason, hint, after=ASK_AGAIN_SECONDS)


def redact(text: str) -> str:
    """Takes tokens and the signatures of presigned links out of other people's messages."""
    return _SECRETS.sub("[secret]", text)


def explain(error: BaseException, where: str) -> JobError:
    """The failure that an error of the client means; `where` is the repository's name or page."""
    chain = list(_causes(error))
    for each in chain:
        if isinstance(each, JobError):
            return each
        if isinstance(each, OfflineModeIsEnabled):
            return NotAllowed(f"{where}: huggingface_hub is in offline mode", "unset HF_HUB_OFFLINE")
        if isinstance(each, HfHubHTTPError):
            return _of_answer(each, where)
    for each in chain:
        if (status := _xet_status(each)) is not None:
            return of_status(status, where, f"the Xet storage answers with status {status}", 0.0)
        if isinstance(each, (json.JSONDecodeError, LookupError)):
            hint = "a proxy, a sign-in page or an outage may stand between"
            return Unavailable(f"{where}: the answer is none of the Hub's", hint)
        if isinstance(each, (httpx2.TransportError, OSError)):
            said = redact(_first_line(str(each))) or type(each).__name__
            return Unavailable(f"{where}: no connection to the Hub: {said}", "check the network")
    return BadInput(
        f"{where}: the Hub's client refuses: {redact(_first_line(str(error)))}", "see the card and the names"
    )


def _of_answer(error: HfHubHTTPError, where: str) -> JobError:
    status, said = error.response.status_code, error.server_message or f"HTTP status {error.response.status_code}"
    if status == 404 and "/lfs" in error.response.url.path:
        return Unavailable(f"{where}: {redact(said)} ({status}): an uploaded file is lost", "it is sent again")
    return of_status(status, where, said, retry_after(error.response))


def of_status(status: int, where: str, said: str, after: float) -> JobError:
    """The failure that an HTTP status means; `after` is what Retry-After asked for, in seconds."""
    told = f"{where}: {redact(_first_line(said))} ({status})"
    if status == 401:
        return NotAllowed(f"{told}: the token is missing, wrong or expired", LOG_IN)
    if status == 403:
        return NotAllowed(f"{told}: the token may not write there", f"{LOG_IN} for this namespace")
    if status == 404:
        return BadInput(f"{told}: no such repository, or this token does not see it", "check default_repo_prefix")
    if status == 402:
        return BadInput(f"{told}: the account's storage or plan does not allow it", "see the account's billing page")
    if status in (409, 412):
        return Unavailable(f"{told}: somebody else is changing the repository", "it is read again and tried again")
    if status == 429:
        return Unavailable(f"{told}: too many requests", "wait until the Hub allows more", after=after)
    if status == 408 or status >= 500:
        return Unavailable(f"{told}: the Hub has a problem", "it may pass by itself", after=after)
    return BadInput(f"{told}: the Hub refuses the content", "correct it, then `scantune retry`")


def retry_after(response: httpx2.Response) -> float:
    """Seconds that the answer asks to wait (Retry-After, or the `t` of RateLimit); 0 if it does not."""
    if (named := asked_wait(response.headers)) is not None:
        return named
    limited = re.search(r"r\s*=\s*0\s*;\s*t\s*=\s*(\d+)", response.headers.get("ratelimit", ""))
    return float(limited[1]) if limited else 0.0


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _xet_status(error: BaseException) -> int | None:
    """hf_xet tells a status in words only: `HTTP status client error (401 Unauthorized) for url …`."""
    if type(error) not in (ConnectionError, RuntimeError, PermissionError, OSError):
        return None
    found = re.search(r"\b([45]\d\d) [A-Z][a-z]", str(error))
    return int(found[1]) if found else None


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:300]
