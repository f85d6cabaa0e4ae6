"""`python -m handlers.analysis FILE…`: this stage by hand."""

import sys

from handlers.byhand import main

sys.exit(main("analysis"))
