"""`python -m handlers.training DATASET…`: this stage by hand, and how the watcher starts it."""

import sys

from handlers.byhand import main

sys.exit(main("training"))
