"""Shares that are really mounted: a volume of its own (ext4 on a loop device), and sshfs, whose line is cut.

Each runs in a mount namespace of its own, so that nothing of this machine is touched; that takes root's rights.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.handlers.sources.test_ci_sync_for_real import CHECKOUT, sshd, there, tool

__all__ = ["sshd"]
pytestmark = pytest.mark.soak


SPACE = ("unshare", "--mount", "--propagation", "private")


def in_a_namespace(scenario: str, folder: Path, share: Path, mount: str, cut: str) -> None:
    unmount = f"umount -l {share} 2> /dev/null || true"
    if os.geteuid() != 0 or subprocess.run([*SPACE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs mount namespaces and root's rights")
    tried = subprocess.run([*SPACE, "sh", "-c", f"{mount} && {unmount}"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"nothing can be mounted here: {tried.stderr}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SCANTUNE_")}
    environment |= {"SCANTUNE_INTAKE__POLLING": "always", "SCANTUNE_INTAKE__SETTLE_SECONDS": "1"}
    environment |= {"SCANTUNE_FINE_TUNING__SKIP_IN_DAEMON": "true"}
    words = [scenario, str(folder / "workspace"), str(share), mount, unmount, cut]
    command = [*SPACE, sys.executable, "-m", "tests.handlers.sources.on_mounts", *words]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def mount_point(folder: Path, scenario: str) -> Path:
    share = folder / ("workspace/inbox" if scenario == "inbox" else "share")
    share.mkdir(parents=True)
    return share


@pytest.mark.timeout(400)
@pytest.mark.parametrize("scenario", ["recipe", "inbox"])
def test_a_volume(tmp_path: Path, scenario: str) -> None:
    image, share = tmp_path / "image", mount_point(tmp_path, scenario)
    with image.open("wb") as empty:
        empty.truncate(32_000_000)
    subprocess.run([tool("mkfs.ext4"), "-q", "-F", str(image)], check=True)
    in_a_namespace(scenario, tmp_path, share, f"mount -o loop {image} {share}", f"umount -l {share}")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("scenario", ["recipe", "inbox"])
def test_sshfs(tmp_path: Path, sshd: list[str], scenario: str) -> None:
    kept, share, process = tmp_path / "kept", mount_point(tmp_path, scenario), tmp_path / "process"
    kept.mkdir()
    told = ",".join([f"IdentityFile={sshd[1]}", *(each for each in sshd if "=" in each)])
    mount = f"{tool('sshfs')} -f -o {told} {there()}:{kept} {share} > /dev/null 2>&1 & echo $! > {process}; "
    mount += f"for tries in $(seq 300); do mountpoint -q {share} && break; sleep 0.1; done; mountpoint -q {share}"
    in_a_namespace(scenario, tmp_path, share, mount, f"kill -KILL $(cat {process})")
