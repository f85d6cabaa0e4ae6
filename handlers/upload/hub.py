"""A publication as one commit on the Hugging Face Hub, verified there before anything is recorded.

Why `create_commit` and not `upload_folder`: with Xet the latter makes several commits and checks the parent of the
first only. The client retries uploads of files by itself, so here only the operation as a whole is repeated, and that
is cheap: what is there already is neither sent nor committed again, so a lost answer never makes a second commit.
"""

from __future__ import annotations

import contextlib
import fnmatch
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from handlers.service.logs import quiet
from handlers.upload.publication import Digests, Kind, Publication, differences
from watcher.errors import JobError, Unavailable

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

REREADS = 5
"""How often a stale parent (412) is answered by reading the repository again at once."""
SILENCE_SECONDS = 120.0
"""How long the Hub may say nothing while it takes or makes bytes; a commit of many files keeps it busy."""
CONNECT_SECONDS = 15.0
LONGEST_WAIT_SECONDS = 30.0
"""How long the client may sleep inside a call on Retry-After; longer waits go to the schedule, which outlives us."""
NO_TAGS = (404, 405, 501)
"""What a server answers that keeps commits but no tags."""
STALE = ("*.safetensors", "*.safetensors.index.json", "*.jsonl", "*.parquet")
"""Files of an earlier version that loading would pick up: removed by the same commit. Anything else stays."""


def publish(
    publication: Publication, files: Sequence[Digests], prefix: str, *, private: bool, say: Callable[[str], None]
) -> tuple[str, str]:
    """Makes the head of PREFIX/NAME hold the publication and tags it with its version; returns (commit, its page).

    What its tag holds already is not published again, whatever the head is by now. Raises watcher.errors.JobError as
    `handlers.upload.faults` says.
    """
    from handlers.upload.faults import EXPLAINED, explain

    repository, kind, tag = f"{prefix}/{publication.name}", publication.kind, publication.version
    try:
        with _client() as api:
            _prepare(api, repository, kind, private)
            commit = _tagged(api, repository, kind, tag) if tag else None
            if commit is None or _operations(publication, files, _there(api, repository, kind, commit)):
                commit = _commit(api, repository, publication, files, say)
                _tag(api, repository, publication, commit, say)
            return commit, _page(api, repository, kind, commit)
    except (JobError, FileNotFoundError):
        raise
    except EXPLAINED as error:
        # `from None`: the chain names presigned links and other people's pages.
        raise explain(error, repository) from None


def find_tag(prefix: str, name: str, kind: Kind, tag: str) -> tuple[str, str, str] | None:
    """Endpoint, repository and commit of a tag, or None if there is no such repository or tag."""
    from handlers.upload.faults import EXPLAINED, explain

    repository = f"{prefix}/{name}"
    try:
        with _client() as api:
            commit = _tagged(api, repository, kind, tag)
            return None if commit is None else (api.endpoint, repository, commit)
    except EXPLAINED as error:
        raise explain(error, repository) from None


def owner() -> str:
    """The name of the token's owner."""
    from handlers.upload.faults import EXPLAINED, explain

    try:
        with _client() as api:
            return str(api.whoami()["name"])
    except EXPLAINED as error:
        raise explain(error, "the Hub") from None


@contextlib.contextmanager
def _client() -> Iterator[HfApi]:
    """The client with time limits (it has none for uploads), quiet (it logs presigned links), refusing long sleeps."""
    from huggingface_hub import HfApi, constants, get_token, set_client_factory
    from huggingface_hub.utils.tqdm import disable_progress_bars

    from handlers.upload.faults import LOG_IN, NotAllowed

    if not constants.is_offline_mode() and not get_token():
        raise NotAllowed("there is no Hugging Face token", LOG_IN)
    quiet()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its warnings name presigned links
    disable_progress_bars()
    set_client_factory(_make_http)
    try:
        yield HfApi(library_name="scantune")
    finally:
        set_client_factory(_default_http())


def _default_http() -> Callable[[], httpx2.Client]:
    from huggingface_hub.utils._http import default_client_factory

    return default_client_factory


def _make_http() -> httpx2.Client:
    import httpx2

    client = _default_http()()
    client.timeout = httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    client.event_hooks = {**client.event_hooks, "response": [_refuse_long_wait]}
    return client


def _refuse_long_wait(response: httpx2.Response) -> None:
    """Also the wait without end or pause in which the client asks to make a repository while another is being made."""
    from handlers.upload.faults import of_status, retry_after

    after = retry_after(response) if response.status_code >= 400 else 0.0
    if after > LONGEST_WAIT_SECONDS:
        raise of_status(response.status_code, str(response.url.host), "the Hub asks to wait", after)
    making = response.status_code == 409 and response.url.path.endswith("/api/repos/create")
    if making and b"conflicting operation is in progress" in response.read():
        raise of_status(409, str(response.url.host), "another repository is being made", after)


def _prepare(api: HfApi, repository: str, kind: Kind, private: bool) -> None:
    """Makes the repository if need be, with the visibility asked for; the next request is its first content."""
    if not _is_there(api, repository, kind):
        api.create_repo(repository, repo_type=kind, private=private, exist_ok=True)
    if api.repo_info(repository, repo_type=kind).private not in (private, None):
        api.update_repo_settings(repository, repo_type=kind, private=private)


def _is_there(api: HfApi, repository: str, kind: Kind) -> bool:
    """Asked apart from what follows, whose own errors must not carry this one's 404 as their context."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        api.repo_info(repository, repo_type=kind)
    except HfHubHTTPError as error:
        if error.response.status_code != 404:
            raise
        return False
    return True


def _commit(
    api: HfApi, repository: str, publication: Publication, files: Sequence[Digests], say: Callable[[str], None]
) -> str:
    """One commit with all that differs, on the head that was compared; none if nothing differs."""
    from huggingface_hub.errors import HfHubHTTPError

    for _ in range(REREADS):
        head = api.repo_info(repository, repo_type=publication.kind).sha
        operations = _operations(publication, files, _there(api, repository, publication.kind, head))
        if head is not None and not operations:
            return head
        say(f"{repository}: committing {len(operations)} changes")
        try:
            made = api.create_commit(
                repository,
                operations,
                commit_message=f"Publish {publication.label}",
                repo_type=publication.kind,
                parent_commit=head,
            )
        except HfHubHTTPError as error:
            if error.response.status_code != 412:
                raise
            continue
        _verify(files, _there(api, repository, publication.kind, made.oid), repository)
        return str(made.oid)
    raise Unavailable(f"{repository}: it changes faster than it can be read", "it is tried again later")


def _there(api: HfApi, repository: str, kind: Kind, revision: str | None) -> dict[str, str]:
    """Path to digest of all files at a revision: SHA-256 of large files, git's digest of small ones."""
    from huggingface_hub.hf_api import RepoFile

    entries = api.list_repo_tree(repository, recursive=True, revision=revision, repo_type=kind)
    files = (each for each in entries if isinstance(each, RepoFile))
    return {each.path: each.lfs.sha256 if each.lfs else each.blob_id for each in files}


def _operations(
    publication: Publication, files: Sequence[Digests], there: dict[str, str]
) -> list[CommitOperationAdd | CommitOperationDelete]:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations: list[CommitOperationAdd | CommitOperationDelete] = []
    for each in differences(files, there):
        addition = CommitOperationAdd(each.path, publication.sources[each.path])
        addition.upload_info.sha256 = bytes.fromhex(each.sha256)  # spares the client a second reading
        operations.append(addition)
    left_over = sorted(there.keys() - publication.sources.keys())
    stale = [path for path in left_over if any(fnmatch.fnmatch(path, pattern) for pattern in STALE)]
    return operations + [CommitOperationDelete(path) for path in stale]


def _verify(files: Sequence[Digests], there: dict[str, str], repository: str) -> None:
    if wrong := differences(files, there):
        names = ", ".join(each.path for each in wrong[:5])
        raise Unavailable(f"{repository}: the Hub holds other bytes than were sent: {names}", "it is tried again")


def _tagged(api: HfApi, repository: str, kind: Kind, tag: str) -> str | None:
    """The commit of a tag; None if there is no such tag or repository, or the server keeps no tags."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        tags = api.list_repo_refs(repository, repo_type=kind).tags
    except HfHubHTTPError as error:
        if error.response.status_code not in NO_TAGS:
            raise
        return None
    return next((str(each.target_commit) for each in tags if each.name == tag), None)


def _tag(api: HfApi, repository: str, publication: Publication, commit: str, say: Callable[[str], None]) -> None:
    """`exist_ok`: a tag stays where it was first put, so that a revision that somebody uses never moves."""
    from huggingface_hub.errors import HfHubHTTPError

    if not publication.version:
        return
    kind, tag = publication.kind, publication.version
    try:
        api.create_tag(repository, tag=tag, revision=commit, repo_type=kind, exist_ok=True)
    except HfHubHTTPError as error:
        if error.response.status_code not in NO_TAGS:
            raise
        say(f"{repository}: this server keeps no tags, so there is no revision {tag}; the commit is {commit}")


def _page(api: HfApi, repository: str, kind: Kind, commit: str) -> str:
    return f"{api.endpoint}/{'datasets/' if kind == 'dataset' else ''}{repository}/commit/{commit}"
