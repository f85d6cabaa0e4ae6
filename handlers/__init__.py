"""The pipeline: one module per stage, readable in `ls`."""

import os

# Nothing leaves the machine unasked: huggingface_hub and hf_xet report on each transfer unless this is set when they
# are first imported, by whichever library that is. Child processes inherit it.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
