"""The GitHub token: from the environment, the system's keychain, or the GitHub command line; never written anywhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

ENVIRONMENT = ("GH_TOKEN", "GITHUB_TOKEN")
ENTERPRISE = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")
"""Asked first where the API is not github.com's; the names are those of the GitHub command line."""
KEYCHAIN_SERVICE = "scantune"
HOW = (
    "with a token that may read Actions: set GITHUB_TOKEN, or `keyring set scantune {host}`, "
    "or `gh auth login --hostname {host}`"
)


def host_of(api_url: str) -> str:
    """The host that a person logs in to: `github.com` for the public API, else the API's own host."""
    host = urlsplit(api_url).hostname or ""
    return host.removeprefix("api.") if host.endswith(("github.com", "ghe.com")) else host


def find_token(api_url: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The first token found, or None."""
    host = host_of(api_url)
    names = ENVIRONMENT if host == "github.com" else (*ENTERPRISE, *ENVIRONMENT)
    from_environment = next((environment[name].strip() for name in names if environment.get(name, "").strip()), None)
    return from_environment or _from_keychain(host) or _from_command_line(host)


def _from_keychain(host: str) -> str | None:
    import keyring
    import keyring.errors

    # A machine without a keychain, or with a locked one, is no fault: the next way is tried.
    with contextlib.suppress(keyring.errors.KeyringError, RuntimeError):
        token = keyring.get_password(KEYCHAIN_SERVICE, host)
        return str(token) if token else None
    return None


def _from_command_line(host: str) -> str | None:
    if (program := shutil.which("gh")) is None:
        return None
    try:
        done = subprocess.run(
            [program, "auth", "token", "--hostname", host], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
