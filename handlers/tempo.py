"""The engine's times, out of the settings."""

from __future__ import annotations

from config.settings import Settings
from watcher.failures import Retries
from watcher.tempo import Tempo


def tempo(settings: Settings) -> Tempo:
    """The engine's times, as the settings have them."""
    intake = settings.intake
    return Tempo(
        settle_seconds=intake.settle_seconds,
        rescan_seconds=intake.rescan_seconds,
        polling=intake.polling,
        drain_seconds=intake.drain_seconds,
        retries=retries(settings),
    )


def retries(settings: Settings) -> Retries:
    """When failed jobs are tried again, as the settings have it."""
    retry = settings.retry
    return Retries(retry.first_seconds, retry.longest_seconds, retry.attempts)
