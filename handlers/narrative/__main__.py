"""`python -m handlers.narrative FOLDER…`: this stage by hand."""

import sys

from handlers.byhand import main

sys.exit(main("narrative"))
