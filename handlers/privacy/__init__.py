"""Nothing private leaves: what no dataset, card or log may carry, and what stands there instead."""

from handlers.privacy.scrub import Scrubber

__all__ = ["Scrubber"]
