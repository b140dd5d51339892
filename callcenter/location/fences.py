"""Electronic fences (电子围栏): which side of one a person is on, decided so that noise alarms nobody twice (A5). Pure.

A fix counts only when it is clear: outside by more than its own accuracy and the fence's margin, inside by the margin.
A side is believed after so many clear fixes in a row, or when a clear one stood uncontradicted for so long. Between
the two borders nothing changes, so a terminal that trembles on the line neither alarms nor arms again.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from callcenter.errors import InvalidInput
from callcenter.location.geo import (
    Fix,
    Point,
    area_and_perimeter,
    circle_area_and_perimeter,
    crosses_itself,
    distance_m,
    flat,
    inside,
    to_edge,
)

MIN_RADIUS_M, MAX_RADIUS_M = 20.0, 100_000.0
MIN_POINTS, MAX_POINTS = 3, 200
MAX_LATITUDE = 80.0
MIN_DEPTH_M = 5.0
UNKNOWN_ACCURACY_M = 50.0
"""What a fix without accuracy is taken to be good for."""
STALE = timedelta(minutes=15)
"""A fix older than this, sent late, tells where somebody was, not where she is."""


class Side(StrEnum):
    """Where somebody is, as far as a fence is concerned."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class AlarmOn(StrEnum):
    """Which crossing alarms: leaving (she must not wander), entering (the river), or both."""

    LEAVE = "leave"
    ENTER = "enter"
    BOTH = "both"


class Fence(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One fence of an elder: a circle (``centre``, ``radius_m``) or a polygon (``points``, not closed).

    ``margin_m``, ``fixes``, ``seconds``: the hysteresis. ``tell``: plan targets that are told at once.
    """

    id: str
    name: str
    centre: Point | None = None
    radius_m: float = 0.0
    points: tuple[Point, ...] = ()
    alarm_on: str = AlarmOn.LEAVE
    margin_m: float = 30.0
    fixes: int = 2
    seconds: float = 120.0
    tell: tuple[str, ...] = ("family",)


class Watch(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is known of one device and one fence.

    ``side``: the side believed, None before the first. ``towards``, ``count``: clear fixes in a row that say
    otherwise; ``since``: when the present unbroken run of them began.
    """

    side: Side | None = None
    towards: Side | None = None
    count: int = 0
    since: datetime | None = None


UNKNOWN = Watch()


def checked(fence: Fence) -> Fence:
    """The fence, if it can be watched; else `InvalidInput` that says what is wrong with it."""
    corners = fence.points or ((fence.centre,) if fence.centre else ())
    if any(abs(latitude) > MAX_LATITUDE for latitude, _ in corners):
        raise InvalidInput(f"a fence must lie between {MAX_LATITUDE:.0f}° south and north")
    if fence.centre is not None:
        if fence.points:
            raise InvalidInput("a fence is either a circle (centre and radius_m) or a polygon (points), not both")
        if not MIN_RADIUS_M <= fence.radius_m <= MAX_RADIUS_M:
            raise InvalidInput(f"radius_m must be between {MIN_RADIUS_M:.0f} and {MAX_RADIUS_M:.0f}")
        return fence
    if not MIN_POINTS <= len(fence.points) <= MAX_POINTS:
        raise InvalidInput(f"a polygon has {MIN_POINTS} to {MAX_POINTS} points; or give centre and radius_m")
    ring = flat(fence.points, fence.points[0])
    if any(max(abs(x), abs(y)) > 2 * MAX_RADIUS_M for x, y in ring):
        raise InvalidInput(f"a polygon must be less than {2 * MAX_RADIUS_M / 1000:.0f} km across")
    if crosses_itself(ring):
        raise InvalidInput("the polygon's edges meet; give its corners in order, each once, the first not again")
    if depth_m(fence) < MIN_DEPTH_M:
        raise InvalidInput("the polygon is too narrow for anybody to be clearly inside")
    return fence


def depth_m(fence: Fence) -> float:
    """Area by perimeter: somebody in the middle is at least this far from the edge (Bonnesen)."""
    if fence.centre is not None:
        area, perimeter = circle_area_and_perimeter(fence.radius_m)
    else:
        area, perimeter = area_and_perimeter(flat(fence.points, fence.points[0]))
    return area / perimeter if perimeter else 0.0


def outside_by(fence: Fence, point: Point) -> float:
    """Metres from the fence's line: positive outside, negative inside."""
    if fence.centre is not None:
        return distance_m(fence.centre, point) - fence.radius_m
    ring = flat(fence.points, point)
    return -to_edge(ring) if inside(ring) else to_edge(ring)


def seen(fence: Fence, fix: Fix) -> Side | None:
    """The side that a fix shows clearly, None when it shows none."""
    beyond = outside_by(fence, fix.point)
    accuracy = UNKNOWN_ACCURACY_M if fix.accuracy_m is None else fix.accuracy_m
    if beyond > accuracy + fence.margin_m:
        return Side.OUTSIDE
    # In a small fence nobody could be inside by the whole margin.
    return Side.INSIDE if beyond < -min(fence.margin_m, depth_m(fence) / 2) else None


def judge(fence: Fence, watch: Watch, side: Side | None, at: datetime) -> Watch:
    """What is known after a fix that shows ``side``."""
    if side is None:
        return msgspec.structs.replace(watch, since=None)  # no time counts while it is not clear
    if side is watch.side:
        return Watch(side)
    further = side is watch.towards
    count = watch.count + 1 if further else 1
    since = (watch.since if further else None) or at
    if count >= fence.fixes or at - since >= timedelta(seconds=fence.seconds):
        return Watch(side)
    return Watch(watch.side, side, count, since)


def later(fence: Fence, watch: Watch, now: datetime) -> Watch:
    """What is known when nothing more was heard: a clear fix that stood for long enough counts (its battery died)."""
    if watch.towards is None or watch.since is None or now - watch.since < timedelta(seconds=fence.seconds):
        return watch
    return Watch(watch.towards)


def crossing(fence: Fence, before: Watch, after: Watch) -> Side | None:
    """The side gone to, when that is what the fence alarms on.

    A fence is armed from its first moment: whoever is first seen outside one that she must not leave has left it.
    """
    if after.side is None or after.side is before.side:
        return None
    left = after.side is Side.OUTSIDE and fence.alarm_on != AlarmOn.ENTER
    came = before.side is Side.OUTSIDE or fence.alarm_on == AlarmOn.ENTER
    entered = after.side is Side.INSIDE and fence.alarm_on != AlarmOn.LEAVE and came
    return after.side if left or entered else None
