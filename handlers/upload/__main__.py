"""`python -m handlers.upload FILE…`: this stage by hand."""

import sys

from handlers.byhand import main

sys.exit(main("upload"))
