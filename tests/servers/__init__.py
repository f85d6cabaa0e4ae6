"""Loopback servers that speak the protocols of the Hub and of GitHub, for tests."""
