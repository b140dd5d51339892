"""Devices that should be heard of now and then, and are not (F1, R27)."""

from collections.abc import Callable
from datetime import datetime, timedelta

from callcenter.clock import Clock
from callcenter.people.directory import Directory

MISSED = 2
"""A device is silent after two heartbeats that did not come: one alone may have been lost on the way."""


class Heartbeats:
    """Compares what the directory expects with what was heard. Costs nothing while nobody expects anything."""

    def __init__(
        self, directory: Callable[[], Directory], last_heard: Callable[[str], datetime | None], clock: Clock
    ) -> None:
        self._directory = directory
        self._last_heard = last_heard
        self._clock = clock
        self._begun = clock.now()
        self._of: Directory | None = None
        self._expected: list[tuple[str, timedelta]] = []

    def silent(self) -> tuple[str, ...]:
        """Devices (ids) that were not heard of for too long; what they sent while we were away nobody could hear."""
        directory = self._directory()
        if directory is not self._of:
            self._of = directory
            self._expected = [
                (device.id, MISSED * timedelta(seconds=device.heartbeat_seconds))
                for elder in directory.elders.values()
                for device in elder.devices
                if device.heartbeat_seconds
            ]
        now = self._clock.now()
        return tuple(
            device
            for device, longest in self._expected
            if now - max(self._last_heard(device) or self._begun, self._begun) > longest
        )
