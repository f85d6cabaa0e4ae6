"""From a report to what can be said of each of its findings.

analysis.jsonl   one handlers.records.Analysis a line, in the report's order
books.json       handlers.analysis.run.Account: what became of the report's records
"""

from handlers.analysis.run import stage

__all__ = ["stage"]
