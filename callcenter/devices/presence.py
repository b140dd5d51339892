"""When each device was last heard of, and its battery: in memory, so known without the database (F1, A10)."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from callcenter.clock import Clock


class Heard(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The last word of a device. ``battery``: percent, None when it never said."""

    at: datetime
    battery: int | None = None


class Presence:
    """The last word of every device that was heard of since the first start."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: dict[str, Heard] = {}
        self._news: dict[str, Heard] = {}

    def hear(self, device_id: str, battery: int | None = None) -> None:
        """A device let itself be heard just now, in whatever way."""
        before = self._heard.get(device_id)
        known = before.battery if battery is None and before is not None else battery
        self._heard[device_id] = self._news[device_id] = Heard(self._clock.now(), known)

    def last_heard(self, device_id: str) -> datetime | None:
        """When the device was last heard of, None when never."""
        heard = self._heard.get(device_id)
        return heard.at if heard is not None else None

    def battery(self, device_id: str) -> int | None:
        """Percent, as the device last said; None when it never did."""
        heard = self._heard.get(device_id)
        return heard.battery if heard is not None else None

    @property
    def everybody(self) -> Mapping[str, Heard]:
        """By device; do not change it."""
        return self._heard

    def restore(self, heard: Mapping[str, Heard]) -> None:
        """Take up what was known before a restart."""
        self._heard = {**heard, **self._heard}

    def take_news(self) -> dict[str, Heard]:
        """What was heard since this was last asked."""
        news, self._news = self._news, {}
        return news

    def give_back(self, news: Mapping[str, Heard]) -> None:
        """What was taken could not be written down; what came since is newer."""
        self._news = {**news, **self._news}
