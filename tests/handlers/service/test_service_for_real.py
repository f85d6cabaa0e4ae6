"""Under a real user manager of systemd: installed, alive, killed, started again, uninstalled.

It gets a mount namespace of its own, so that nothing of this machine's systemd is touched; that takes root's rights.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SYSTEMD = Path("/lib/systemd/systemd")
SCRIPT = r"""
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/user/0 "$HOME"
chmod 700 /run/user/0
export XDG_RUNTIME_DIR=/run/user/0
unset DBUS_SESSION_BUS_ADDRESS
"$SYSTEMD" --user --log-target=null &
manager=$!
trap 'kill $manager' EXIT
until systemctl --user is-system-running --wait; do sleep 0.2; done
scantune="$PYTHON -m handlers.cli.main --workspace $WORKSPACE"
process() { systemctl --user show scantune.service -p MainPID --value; }

$scantune service install
$scantune service status
until $scantune status --health; do sleep 0.5; done
first=$(process)
test "$first" -gt 1
kill -KILL "$first"
until [ "$(process)" -gt 1 ] && [ "$(process)" != "$first" ] && $scantune service status; do sleep 1; done
echo "started again"
systemctl --user stop scantune.service
test "$(systemctl --user show scantune.service -p Result --value)" = success
test ! -e "$WORKSPACE/state/heartbeat.json"
echo "ended cleanly"
$scantune service uninstall
! $scantune service status
test -d "$WORKSPACE/inbox"
echo "uninstalled"
"""


@pytest.mark.soak
@pytest.mark.timeout(320)
def test_a_users_systemd_keeps_the_watcher_alive() -> None:
    if not (SYSTEMD.exists() and shutil.which("unshare") and os.geteuid() == 0):
        pytest.skip("needs systemd, unshare and root's rights")
    # Not below /tmp: the service has a /tmp of its own.
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        home = Path(folder)
        environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "PYTHON": sys.executable,
            "SYSTEMD": str(SYSTEMD),
            "WORKSPACE": str(home / "workspace"),
        }
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if line in ("started again", "ended cleanly", "uninstalled")] == [
        "started again",
        "ended cleanly",
        "uninstalled",
    ]
