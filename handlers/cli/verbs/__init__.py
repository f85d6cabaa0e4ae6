"""One module a verb (or a family of verbs).

`add(verbs)` adds the parser, with `set_defaults(run=…)`; `run(args, context)` returns the exit status.
"""
