"""What goes wrong on the way to the Hub: each fault is named, retried only where that can help, and tells no secret."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from handlers import upload
from handlers.upload import hub as upload_hub
from handlers.upload.faults import ASK_AGAIN_SECONDS, NotAllowed, redact
from tests.servers.hub import TOKEN, Hub
from tests.servers.web import Request
from watcher.errors import BadInput, JobError, Unavailable
from watcher.stage import Attempt

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
HTML = b"<html><body>Sign in to the hotel's network</body></html>"
STEPS = {
    "create_repo": ("POST", "/api/repos/create"),
    "repo_info": ("GET", "/api/models/acme/webauthn-security$"),
    "tree": ("GET", "/tree/"),
    "validate-yaml": ("POST", "/api/validate-yaml"),
    "preupload": ("POST", "/preupload/"),
    "lfs batch": ("POST", "/objects/batch"),
    "lfs put": ("PUT", "/lfs/"),
    "commit": ("POST", "/commit/"),
    "tag": ("POST", "/tag/"),
}
KINDS: dict[int, type[JobError]] = {
    400: BadInput,
    401: NotAllowed,
    402: BadInput,
    403: NotAllowed,
    404: BadInput,
    409: Unavailable,
    413: BadInput,
    429: Unavailable,
    500: Unavailable,
    503: Unavailable,
}
HARMLESS_STATUS = {("tag", 409), ("tag", 404)}
"""The tag is there already; the server keeps no tags."""
SENT_AGAIN = {("lfs batch", 404), ("lfs put", 404)}
"""A file that is not there was lost on the way; a repository that is not there stays away."""
EVERY = [(step, status) for step in STEPS for status in KINDS if (step, status) not in HARMLESS_STATUS]
QUICK = [each for each in EVERY if each[0] in ("commit", "preupload") or each[1] in (401, 503)]


def publish(model: Path, settings: Settings, root: Path) -> None:
    out = root / "out"
    out.mkdir(exist_ok=True)
    upload.stage(settings, root).run([model], out, Attempt("0" * 64, root / "resume", root / "cache"))


def commits(hub: Hub) -> list[str]:
    repository = hub.repositories.get(("model", "acme/webauthn-security"))
    return [each.summary for each in repository.commits[1:]] if repository else []


@pytest.fixture(autouse=True)
def no_secret_is_told(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    said = capfd.readouterr()
    assert TOKEN not in caplog.text + said.out + said.err


@pytest.mark.parametrize(("step", "status"), QUICK)
def test_a_status_at_a_step(hub: Hub, model: Path, settings: Settings, tmp_path: Path, step: str, status: int) -> None:
    method, path = STEPS[step]
    hub.fail(method, path, status, body=b'{"error": "because of Bearer %s"}' % TOKEN.encode(), times=1000)
    with pytest.raises(JobError) as caught:
        publish(model, settings, tmp_path)
    assert type(caught.value) is (Unavailable if (step, status) in SENT_AGAIN else KINDS[status])
    assert str(status) in caught.value.reason or step == "create_repo"
    assert caught.value.hint
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    assert len(commits(hub)) <= 1
    hub.faults.clear()
    publish(model, settings, tmp_path)
    assert commits(hub) == ["Publish webauthn-security-v1"]


@pytest.mark.soak
@pytest.mark.parametrize(("step", "status"), EVERY)
def test_every_status_at_every_step(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path, step: str, status: int
) -> None:
    test_a_status_at_a_step(hub, model, settings, tmp_path, step, status)


BROKEN = [(kind, step) for kind in ("drop", "lost", "html", "html 502") for step in STEPS]
HARMLESS = ("html", "tag")
"""Nothing is read of that answer, and nothing depends on it."""


def break_off(hub: Hub, model: Path, settings: Settings, root: Path, kind: str, step: str) -> None:
    method, path = STEPS[step]
    if kind in ("drop", "lost"):
        hub.fail(method, path, kind=kind, times=1000)  # type: ignore[arg-type]
    else:
        hub.fail(method, path, 502 if "502" in kind else 200, body=HTML, times=1000, Content_Type="text/html")
    if (kind, step) == HARMLESS:
        publish(model, settings, root)
    else:
        with pytest.raises(Unavailable):
            publish(model, settings, root)
    hub.faults.clear()
    publish(model, settings, root)
    assert commits(hub) == ["Publish webauthn-security-v1"]


@pytest.mark.parametrize(
    ("kind", "step"),
    [each for each in BROKEN if each[1] in ("validate-yaml", "lfs put", "commit")],
)
def test_connections_and_answers_that_break(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path, kind: str, step: str
) -> None:
    break_off(hub, model, settings, tmp_path, kind, step)


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "step"), BROKEN)
def test_every_break_at_every_step(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path, kind: str, step: str
) -> None:
    break_off(hub, model, settings, tmp_path, kind, step)


@pytest.mark.parametrize("step", ["repo_info", "preupload", "commit"])
def test_a_long_retry_after_goes_to_the_schedule(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path, step: str
) -> None:
    method, path = STEPS[step]
    hub.fail(method, path, 429, Retry_After="900", times=1000)
    with pytest.raises(Unavailable) as caught:
        publish(model, settings, tmp_path)
    assert caught.value.after == 900
    assert hub.count(method, path) == 1  # and the client does not sleep on it


def test_the_ratelimit_header_counts_too(hub: Hub, model: Path, settings: Settings, tmp_path: Path) -> None:
    hub.fail("POST", "/preupload/", 429, RateLimit='"api";r=0;t=250', times=9)
    with pytest.raises(Unavailable) as caught:
        publish(model, settings, tmp_path)
    assert caught.value.after == 250


def test_a_hub_that_falls_silent_is_not_waited_for_ever(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, over = threading.Event(), threading.Event()

    def say_nothing(request: Request) -> None:
        if request.path.endswith("/commit/main"):
            asked.set()
            over.wait(60)

    hub.before = say_nothing
    with monkeypatch.context() as impatient:
        impatient.setattr(upload_hub, "SILENCE_SECONDS", 2.0)
        with pytest.raises(Unavailable, match="no connection"):
            publish(model, settings, tmp_path)
    assert asked.is_set()
    over.set()
    hub.before = lambda request: None
    publish(model, settings, tmp_path)
    assert commits(hub) == ["Publish webauthn-security-v1"]


def test_short_faults_are_left_to_the_client(hub: Hub, model: Path, settings: Settings, tmp_path: Path) -> None:
    hub.fail("POST", "/preupload/", 503, times=2)
    hub.fail("PUT", "/lfs/", kind="drop", times=2)
    publish(model, settings, tmp_path)
    assert commits(hub) == ["Publish webauthn-security-v1"]


def test_without_a_token_nothing_is_asked(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(NotAllowed, match="no Hugging Face token") as caught:
        publish(model, settings, tmp_path)
    assert "hf auth login" in caught.value.hint
    assert caught.value.after == ASK_AGAIN_SECONDS
    assert hub.requests == []


def test_offline_says_so_and_asks_nothing(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(NotAllowed, match="offline mode"):
        publish(model, settings, tmp_path)
    assert hub.requests == []


def test_no_hub_at_all(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="no connection"):
        publish(model, settings, tmp_path)


def test_a_server_without_tags_has_the_commit_all_the_same(
    hub: Hub, model: Path, settings: Settings, tmp_path: Path
) -> None:
    hub.fail("POST", "/tag/", 404, times=9)
    publish(model, settings, tmp_path)
    assert commits(hub) == ["Publish webauthn-security-v1"]


def test_a_card_that_the_hub_refuses(hub: Hub, model: Path, settings: Settings, tmp_path: Path) -> None:
    (model / "README.md").write_text("---\nlicense: [mit]\n---\n")
    with pytest.raises(BadInput, match="must be a string"):
        publish(model, settings, tmp_path)


@pytest.mark.parametrize(
    "text", ["token hf_abcdefgh12345 here", "Authorization: Bearer abc.def", "https://s3/x?X-Amz-Signature=abc&b=1"]
)
def test_secrets_are_taken_out_of_messages(text: str) -> None:
    cleaned = redact(text)
    assert "[secret]" in cleaned
    assert "abc" not in cleaned
