"""One module a format (or a family of formats that share code); `handlers.readers` says how to add one."""
