"""Positions on the earth: what a terminal's fix is worth, and how far it is from places. WGS-84, metres, pure.

Distances are those of a sphere of the earth's mean radius: half a percent at most from the ellipsoid, far below what
any terminal's own accuracy is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import asin, cos, degrees, hypot, isfinite, pi, radians, sin, sqrt

import msgspec

EARTH_RADIUS_M = 6_371_008.8
MOST_AHEAD = timedelta(minutes=5)
"""A terminal's clock may be this far ahead of ours; what claims to be later is dated by its arrival."""
EARLIEST = timedelta(days=7)
"""A fix older than this says nothing any more; clocks without battery begin in 1970 or 2000."""
NULL_ISLAND_DEGREES = 0.01
"""So near to 0° N 0° E there is only water: receivers without a fix report it."""
WORST_ACCURACY_M = 100_000.0

Point = tuple[float, float]
"""Latitude and longitude in degrees."""


class Fix(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One position of a device.

    ``accuracy_m``: radius of the circle it is in with 68 %, None when the device does not say. ``at``: when it was
    taken, or, where ``dated`` is ``received``, when it reached us, because the device's clock cannot be right.
    """

    latitude: float
    longitude: float
    at: datetime
    accuracy_m: float | None = None
    device_id: str | None = None
    dated: str = "device"

    @property
    def point(self) -> Point:
        return (self.latitude, self.longitude)


def fix_of(
    latitude: float,
    longitude: float,
    accuracy_m: float | None,
    at: datetime | None,
    now: datetime,
    device_id: str | None = None,
) -> Fix | None:
    """What a device said, as far as it can be true; None when it is no place at all."""
    if not (isfinite(latitude) and isfinite(longitude)) or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    if abs(latitude) < NULL_ISLAND_DEGREES and abs(longitude) < NULL_ISLAND_DEGREES:
        return None
    usable = accuracy_m is not None and isfinite(accuracy_m) and 0 < accuracy_m <= WORST_ACCURACY_M
    believed = at is not None and now - EARLIEST <= at <= now + MOST_AHEAD
    return Fix(
        latitude=latitude,
        longitude=longitude,
        # A little ahead is a clock that drifts; a fix from the future would never be replaced.
        at=min(at, now) if believed and at is not None else now,
        accuracy_m=accuracy_m if usable else None,
        device_id=device_id,
        dated="device" if believed else "received",
    )


def distance_m(one: Point, other: Point) -> float:
    """Great-circle distance, by haversine."""
    north = radians(other[0] - one[0])
    east = radians(other[1] - one[1])
    chord = sin(north / 2) ** 2 + cos(radians(one[0])) * cos(radians(other[0])) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))


def moved(start: Point, north_m: float, east_m: float) -> Point:
    """The place so many metres north and east; for short ways away from the poles."""
    latitude = start[0] + degrees(north_m / EARTH_RADIUS_M)
    return (latitude, start[1] + degrees(east_m / (EARTH_RADIUS_M * cos(radians(start[0])))))


def flat(points: Sequence[Point], origin: Point) -> list[Point]:
    """Metres east and north of ``origin``, on a plane that is true near it (equirectangular projection)."""
    narrow = EARTH_RADIUS_M * cos(radians(origin[0]))
    return [
        (radians((longitude - origin[1] + 180) % 360 - 180) * narrow, radians(latitude - origin[0]) * EARTH_RADIUS_M)
        for latitude, longitude in points
    ]


def inside(ring: Sequence[Point]) -> bool:
    """Whether the plane's origin lies in a ring of points: a ray to the east crosses an odd number of its edges."""
    crossings = 0
    for (x1, y1), (x2, y2) in pairwise((*ring, ring[0])):
        if (y1 > 0) != (y2 > 0) and x1 + (x2 - x1) * -y1 / (y2 - y1) > 0:
            crossings += 1
    return crossings % 2 == 1


def to_edge(ring: Sequence[Point]) -> float:
    """From the plane's origin to the nearest edge of a ring."""
    return min(_to_segment(*ends) for ends in pairwise((*ring, ring[0])))


def _to_segment(start: Point, end: Point) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else min(1.0, max(0.0, -(start[0] * dx + start[1] * dy) / length))
    return hypot(start[0] + along * dx, start[1] + along * dy)


def area_and_perimeter(ring: Sequence[Point]) -> tuple[float, float]:
    """Of a ring on the plane, in square metres and metres."""
    edges = list(pairwise((*ring, ring[0])))
    area = abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in edges)) / 2
    return area, sum(hypot(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in edges)


def circle_area_and_perimeter(radius: float) -> tuple[float, float]:
    """The same of a circle."""
    return pi * radius * radius, 2 * pi * radius


def crosses_itself(ring: Sequence[Point]) -> bool:
    """Whether two edges of a ring that are not neighbours meet, or two neighbours lie upon each other."""
    edges = list(pairwise((*ring, ring[0])))
    count = len(edges)
    for i in range(count):
        for j in range(i + 1, count):
            if j == i + 1 or (i == 0 and j == count - 1):
                first, second = (edges[i], edges[j]) if j == i + 1 else (edges[j], edges[i])
                if _turns_back(first[0], first[1], second[1]):
                    return True
            elif _meet(*edges[i], *edges[j]):
                return True
    return False


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _turns_back(a: Point, b: Point, c: Point) -> bool:
    ahead = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1])
    return _side(a, b, c) == 0 and ahead <= 0


def _within(a: Point, b: Point, c: Point) -> bool:
    """Whether c, on the line through a and b, lies between them."""
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    one, two, three, four = _side(a, b, c), _side(a, b, d), _side(c, d, a), _side(c, d, b)
    if ((one > 0) != (two > 0)) and ((three > 0) != (four > 0)) and 0 not in (one, two, three, four):
        return True
    return (
        (one == 0 and _within(a, b, c))
        or (two == 0 and _within(a, b, d))
        or (three == 0 and _within(c, d, a))
        or (four == 0 and _within(c, d, b))
    )
