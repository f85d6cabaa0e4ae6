"""GitHub's REST API: conditional listings, pages, rate limits, downloads. Knows nothing of what is fetched.

Limited      a rate limit; `after` says how long
Unavailable  the network or GitHub has a problem
Denied       the token is missing, wrong, or may not see this
Gone         what was asked for is no longer there
TooLarge     it is there, but the settings allow no file of its size
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
import tenacity

from handlers.sources.tokens import HOW, host_of
from handlers.waits import asked_wait, server_time
from watcher.errors import JobError, Unavailable

T = TypeVar("T")

API_VERSION = "2022-11-28"
TRIES = 4
SECONDARY_SECONDS = 60.0
"""Waited after a secondary limit that names no time, as GitHub asks."""


class Limited(Unavailable):
    """A rate limit of GitHub's; nothing may be asked for `after` seconds."""


class Denied(JobError):
    """Asking again can't help until a person changed the token or its rights."""


class Gone(JobError):
    """Not there, or not there any more."""


class TooLarge(JobError):
    """There, but larger than the settings allow."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. `items` is None if nothing changed since the ETag that was sent."""

    items: object
    etag: str  # "" from a server that names none
    following: str | None  # the next page's address


class Rest:
    """One API host, one token. `sleep(seconds)` is called between tries of one request."""

    def __init__(self, api_url: str, token: str | None, sleep: Callable[[float], None]) -> None:
        self.url = api_url.rstrip("/")
        headers = {"User-Agent": f"scantune/{version('scantune')}", "X-GitHub-Api-Version": API_VERSION}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        timeout = httpx2.Timeout(60.0, connect=15.0)
        self._client = httpx2.Client(headers=headers, timeout=timeout, follow_redirects=True)
        self._sleep = sleep
        self._spent = 0.0
        self.requests = 0

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def spent(self) -> float:
        """Seconds until the rate limit is reset if the last answer took the last of it, else 0; then begins anew."""
        seconds, self._spent = self._spent, 0.0
        return seconds

    def page(self, address: str, etag: str = "") -> Page:
        """One page of a listing; with `etag`, an unchanged one costs nothing of the rate limit."""
        headers = {"Accept": "application/vnd.github+json"} | ({"If-None-Match": etag} if etag else {})
        answer = self._retrying(lambda: self._asked(address, headers))
        if answer.status_code == httpx2.codes.NOT_MODIFIED:
            return Page(None, etag, None)
        return Page(_json(answer), answer.headers.get("etag", ""), self._following(answer))

    def pages(self, address: str) -> Iterator[Page]:
        following: str | None = address
        while following is not None:
            page = self.page(following)
            yield page
            following = page.following

    def download(self, address: str, target: Path, largest: int, accept: str = "*/*") -> str:
        """Streams a file to `target`, at most `largest` bytes; returns its SHA-256 in hexadecimal.

        GitHub redirects to a storage host with a link that lives a minute; the client does not show it the token, and
        each try asks for a new link. Raises TooLarge if the file grows over `largest`.
        """
        return self._retrying(lambda: self._streamed(address, target, largest, accept))

    def _streamed(self, address: str, target: Path, largest: int, accept: str) -> str:
        self._count(address)
        digest, size = hashlib.sha256(), 0
        with self._client.stream("GET", self._full(address), headers={"Accept": accept}) as answer:
            self._heed(answer)
            if answer.status_code >= 400:
                answer.read()
                raise self._failure(answer, address)
            with target.open("wb") as file:
                for data in answer.iter_bytes():
                    if (size := size + len(data)) > largest:
                        raise TooLarge(f"{address}: larger than {largest} bytes (limits.max_bytes)")
                    digest.update(data)
                    file.write(data)
        return digest.hexdigest()

    def _asked(self, address: str, headers: Mapping[str, str]) -> httpx2.Response:
        self._count(address)
        answer = self._client.get(self._full(address), headers=headers)
        self._heed(answer)
        if answer.status_code >= 400:
            raise self._failure(answer, address)
        return answer

    def _count(self, address: str) -> None:
        """Asks nothing once the limit is used up: whoever goes on then may be banned."""
        if self._spent:
            told = f"{address}: not asked for, the hour's requests are used up"
            raise Limited(told, f"GitHub allows more in {self._spent:.0f} s", after=self._spent)
        self.requests += 1

    def _heed(self, answer: httpx2.Response) -> None:
        for each in (*answer.history, answer):
            if not self._at_storage(each):
                self._spent = _reset(each) if each.headers.get("x-ratelimit-remaining") == "0" else 0.0

    def _retrying(self, call: Callable[[], T]) -> T:
        """Tries again on dropped connections and 5xx, not on limits; in the end raises Unavailable."""
        try:
            return tenacity.Retrying(
                stop=tenacity.stop_after_attempt(TRIES),
                wait=tenacity.wait_exponential_jitter(initial=1, max=10),
                retry=tenacity.retry_if_exception(_passes),
                sleep=self._sleep,
                reraise=True,
            )(call)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            host = urlsplit(self.url).netloc
            told = str(error) or type(error).__name__
            raise Unavailable(f"{host}: {told}", "check the network; it is tried again") from None

    def _failure(self, answer: httpx2.Response, address: str) -> JobError:
        status = answer.status_code
        told = f"{address}: {_message(answer)} ({status})"
        if self._at_storage(answer):
            return Unavailable(f"{address}: the storage host answers with {status}", "it is tried again")
        if (wait := _limit(answer)) is not None:
            return Limited(told, f"GitHub asks to wait {wait:.0f} s", after=wait)
        if status in (404, 410):
            return Gone(told, "check the name, and that the token may read Actions of this repository")
        if status == 408 or status >= 500:
            return Unavailable(told, "it is tried again")
        return Denied(told, HOW.format(host=host_of(self.url)))

    def _full(self, address: str) -> str:
        return address if address.startswith("http") else f"{self.url}{address}"

    def _at_storage(self, answer: httpx2.Response) -> bool:
        """Whether an answer comes from where a download was redirected to, which can be a path of the same host."""
        ours = (f"{httpx2.URL(self.url)}".rstrip("/") + part for part in ("/repos/", "/repositories/"))
        return bool(answer.history) and not str(answer.url).startswith(tuple(ours))

    def _following(self, answer: httpx2.Response) -> str | None:
        """The next page, which must not lead the token to another host, nor over a line that is not encrypted."""
        if (link := answer.links.get("next", {}).get("url")) is None:
            return None
        ours, target = httpx2.URL(self.url), answer.url.join(link)
        if (target.host, target.port) != (ours.host, ours.port):
            raise Unavailable(f"{self.url}: the next page is said to be at another host: {target}", "see api_url")
        return str(target.copy_with(scheme=ours.scheme))


def _passes(error: BaseException) -> bool:
    limited = isinstance(error, Limited)
    return isinstance(error, (httpx2.TransportError, Unavailable)) and not limited


def _limit(answer: httpx2.Response) -> float | None:
    """Seconds to wait if this is a rate limit: Retry-After, or until `x-ratelimit-reset`."""
    named = asked_wait(answer.headers)
    if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
        return named
    if answer.status_code not in (403, 429):
        return None
    if named is not None:
        return named
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return _reset(answer)
    secondary = answer.status_code == 429 or "secondary rate limit" in _message(answer).lower()
    return SECONDARY_SECONDS if secondary else None


def _reset(answer: httpx2.Response) -> float:
    """Seconds until `x-ratelimit-reset`, by the server's own clock."""
    reset = answer.headers.get("x-ratelimit-reset", "")
    return max(1.0, float(reset) - server_time(answer.headers)) if reset.isdecimal() else SECONDARY_SECONDS


def _message(answer: httpx2.Response) -> str:
    try:
        said = answer.json()
    except ValueError:
        return answer.reason_phrase
    return str(said.get("message", ""))[:200] if isinstance(said, dict) else answer.reason_phrase


def _json(answer: httpx2.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        raise Unavailable(
            f"{answer.url}: the answer is not JSON", "a proxy or a sign-in page may stand between"
        ) from None
