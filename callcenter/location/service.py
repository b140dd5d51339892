"""Where elders are now, and who crossed a fence: in memory, from what terminals say (A4, A5, A10)."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import msgspec
import structlog

from callcenter.clock import Clock, today
from callcenter.emergency.briefing import LastSeen, map_link
from callcenter.emergency.kinds import Kind
from callcenter.emergency.service import Emergencies
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.location.facts import FenceCrossed, FenceReturned
from callcenter.location.fences import STALE, UNKNOWN, Fence, Side, Watch, crossing, judge, later, outside_by, seen
from callcenter.location.geo import Fix
from callcenter.people.directory import Device, Directory, Elder

log = structlog.get_logger(__name__)

MOST_PENDING = 20_000
"""Fixes that wait for the database; the oldest are forgotten first."""
MOST_CROSSINGS = 5_000
"""Fences and devices whose last crossing is carried from segment to segment of the journal."""

Key = tuple[str, str]
"""A fence and a device."""


class Located(msgspec.Struct, frozen=True, gc=False):
    """A fix, whose it is, and when it reached us."""

    elder_id: str
    device_id: str
    fix: Fix
    received_at: datetime


class Location:
    """The newest fix of every device, and the side of every fence that its bearer is on."""

    def __init__(
        self,
        ledger: Ledger,
        emergencies: Emergencies,
        directory: Callable[[], Directory],
        clock: Clock,
        map_url: str,
    ) -> None:
        """``map_url``: a URL with ``{latitude}`` and ``{longitude}`` in it."""
        self._ledger = ledger
        self._emergencies = emergencies
        self._directory = directory
        self._clock = clock
        self._map_url = map_url
        self._latest: dict[str, Located] = {}
        """By device; by elder, where an alarm's device is not known."""
        self._pending: deque[Located] = deque(maxlen=MOST_PENDING)
        self._watches: dict[Key, Watch] = {}
        self._restless: dict[Key, Located] = {}
        """What time alone may decide, and the last clear fix."""
        self._crossings: OrderedDict[Key, Fact] = OrderedDict()
        ledger.on_apply(self._apply)

    # --- what is known -------------------------------------------------------------------------------------

    def latest(self, elder_id: str) -> Fix | None:
        """Where the elder's terminals last said she is; look at its age. None when none ever did."""
        elder = self._directory().elder(elder_id)
        known = [self._latest.get(key) for key in (elder_id, *(one.id for one in elder.devices))] if elder else []
        # A terminal that was another elder's before tells nothing of this one.
        own = [one for one in known if one is not None and one.elder_id == elder_id]
        return max(own, key=lambda one: one.fix.at).fix if own else None

    def last_seen(self, elder_id: str) -> LastSeen | None:
        """The same, as the texts to responders have it."""
        fix = self.latest(elder_id)
        return LastSeen(fix.latitude, fix.longitude, fix.accuracy_m, fix.at) if fix is not None else None

    def map_link(self, latitude: float, longitude: float) -> str:
        """A map that opens in any browser, for a screen or a text message."""
        return map_link(self._map_url, latitude, longitude)

    def side(self, fence_id: str, device_id: str) -> Side | None:
        """On which side of a fence a device is believed to be, None when that is not known yet."""
        return self._watches.get((fence_id, device_id), UNKNOWN).side

    # --- taking in -----------------------------------------------------------------------------------------

    def take(self, elder: Elder, device: Device | None, fix: Fix) -> None:
        """Take in a fix of an elder's device; what it says of her fences follows at once.

        An older one than the newest goes into the history only; so does one that comes too late to act upon. A device
        that nobody knows tells where she is, but moves no fence.
        """
        now = self._clock.now()
        located = Located(elder.id, device.id if device else "", fix, now)
        self._pending.append(located)
        key = device.id if device else elder.id
        before = self._latest.get(key)
        if before is not None and before.elder_id == elder.id and before.fix.at >= fix.at:
            return
        self._latest[key] = located
        if device is None or now - fix.at > STALE:
            return
        for fence in elder.fences:
            known = self._watches.get((fence.id, device.id), UNKNOWN)
            self._turn(elder, device, fence, known, judge(fence, known, seen(fence, fix), fix.at), located)

    def tick(self, _now: float) -> None:
        """What nobody contradicted for long enough becomes true: a terminal may fall silent on its way out."""
        for key, located in list(self._restless.items()):
            found = self._directory().device(located.device_id)
            fence = next((one for one in found[0].fences if one.id == key[0]), None) if found else None
            if found is None or fence is None:
                self._forget(key)
                continue
            known = self._watches.get(key, UNKNOWN)
            after = later(fence, known, self._clock.now())
            if after is not known:
                self._turn(*found, fence, known, after, located)

    def _turn(self, elder: Elder, device: Device, fence: Fence, before: Watch, after: Watch, located: Located) -> None:
        """Keep what is known of a fence, and say and do what follows when the side changed."""
        key = (fence.id, device.id)
        self._watches[key] = after
        if after.since is None:
            self._restless.pop(key, None)
        else:
            self._restless[key] = located
        if after.side is None or after.side is before.side:
            return
        if crossing(fence, before, after) is not None:
            self._alarm(elder, device, fence, after.side, located.fix)
        elif before.side is not None:
            open_ones = (one for one in self._emergencies.known() if one.open and one.elder_id == elder.id)
            incident = next(open_ones, None)
            self._ledger.record(
                FenceReturned(
                    fence_id=fence.id,
                    elder_id=elder.id,
                    device_id=device.id,
                    side=after.side,
                    at=located.fix.at,
                ),
                actor=f"device:{device.id}",
                incident_id=incident.id if incident is not None else None,
            )

    def _alarm(self, elder: Elder, device: Device, fence: Fence, side: Side, fix: Fix) -> None:
        directory = self._directory()
        who = directory.who(elder, elder.number_of(device), today(self._clock), device.id)
        actor = f"device:{device.id}"
        incident = self._emergencies.alarm(
            who, Kind.FENCE, directory.plan_for(elder), actor=actor, tell=tuple(fence.tell)
        )
        log.warning("fence_crossed", fence_id=fence.id, device_id=device.id, incident_id=incident.id, side=side)
        self._ledger.record(
            FenceCrossed(
                fence_id=fence.id,
                elder_id=elder.id,
                device_id=device.id,
                side=side,
                metres=round(outside_by(fence, fix.point), 1),
                latitude=fix.latitude,
                longitude=fix.longitude,
                accuracy_m=fix.accuracy_m,
                at=fix.at,
                on_test=device.on_test(self._clock.now()),
            ),
            actor=actor,
            incident_id=incident.id,
        )

    def _forget(self, key: Key) -> None:
        self._restless.pop(key, None)
        self._watches.pop(key, None)

    # --- over a restart ------------------------------------------------------------------------------------

    def _apply(self, fact: Fact) -> None:
        if isinstance(fact.body, FenceCrossed | FenceReturned):
            key = (fact.body.fence_id, fact.body.device_id)
            self._watches[key] = Watch(Side(fact.body.side))
            self._crossings[key] = fact
            self._crossings.move_to_end(key)
            while len(self._crossings) > MOST_CROSSINGS:
                self._crossings.popitem(last=False)

    def carried(self) -> Iterable[Fact]:
        """The facts that a new journal segment must begin with: a restart must not alarm again."""
        return list(self._crossings.values())

    @property
    def everybody(self) -> Mapping[str, Located]:
        """The newest fix by device, or by elder; do not change it."""
        return self._latest

    def restore(self, latest: Mapping[str, Located]) -> None:
        """Take up what was known before a restart."""
        self._latest = {**latest, **self._latest}

    def take_news(self) -> list[Located]:
        """The fixes that came since this was last asked, oldest first."""
        news = list(self._pending)
        self._pending.clear()
        return news

    def give_back(self, news: Iterable[Located]) -> None:
        """What was taken could not be written down."""
        self._pending = deque([*news, *self._pending], maxlen=MOST_PENDING)
