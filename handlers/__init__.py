"""The pipeline: one module per stage, readable in `ls`."""

import os

_CLIENTS = {
    # Nothing leaves the machine unasked: huggingface_hub and hf_xet report on each transfer unless told otherwise.
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # hf_xet waits 3, 9, 27, 81 and 243 s (at random up to these) for a storage that is down. Here 3, 9 and 10 s: what
    # passes in that time passes unseen, and what does not goes to the schedule of the engine, which outlives us.
    "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "3",
    "HF_XET_CLIENT_RETRY_MAX_DURATION": "10s",
    "HF_XET_CLIENT_CONNECT_TIMEOUT": "15s",
    # Of silence; it runs while a block of 64 MB is sent too, and a shorter one would cut off slow lines.
    "HF_XET_CLIENT_READ_TIMEOUT": "300s",
}
"""How the Hub's clients behave, in the only way that both can be told: before whichever library first imports them.
Child processes inherit it; what a person sets stays."""

for _name, _value in _CLIENTS.items():
    os.environ.setdefault(_name, _value)
