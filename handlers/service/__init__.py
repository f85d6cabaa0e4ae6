"""scantune as a service of the system: installing it, its logs, its heartbeat, and upgrading what it keeps."""
