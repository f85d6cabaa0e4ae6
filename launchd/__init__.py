"""The service's files, to be filled in by `scantune service install`: a LaunchAgent, and a user unit of systemd."""
