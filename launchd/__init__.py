"""Templates of the service: a LaunchAgent for macOS, a user unit for systemd. `scantune service install` fills them in."""
