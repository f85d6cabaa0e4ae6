"""One module a verb (or a family of verbs); `add` puts it on the command line."""
