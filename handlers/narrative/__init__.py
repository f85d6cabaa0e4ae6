"""From an analysis to what a person needs who has to act on it: what, why here, how to fix, how to check.

narrative.jsonl   one handlers.records.Narrative a line, in the order of the analysis
"""

from handlers.narrative.run import stage

__all__ = ["stage"]
