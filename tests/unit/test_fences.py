"""Fences: geometry, hysteresis as a table; noise never alarms twice, a clear leave always alarms (A5)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import cos, pi, radians, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import InvalidInput
from callcenter.location.fences import (
    MAX_POINTS,
    UNKNOWN,
    AlarmOn,
    Fence,
    Side,
    Watch,
    checked,
    crossing,
    depth_m,
    judge,
    later,
    outside_by,
    seen,
)
from callcenter.location.geo import Fix, Point, distance_m, fix_of, moved

HOME: Point = (31.3175, 120.6353)
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
CIRCLE = Fence("f1", "家", centre=HOME, radius_m=300, margin_m=30, fixes=2, seconds=120)
IN, OUT = Side.INSIDE, Side.OUTSIDE


def ring(*metres: tuple[float, float]) -> tuple[Point, ...]:
    """Corners so many metres north and east of home."""
    return tuple(moved(HOME, north, east) for north, east in metres)


SQUARE = Fence("f2", "小区", points=ring((-500, -500), (-500, 500), (500, 500), (500, -500)))
# A U, open to the north: its middle is outside.
HORSESHOE = Fence(
    "f3", "河湾", points=ring((-500, -500), (-500, 500), (500, 500), (500, 300), (-300, 300), (-300, -300), (500, -300),
                            (500, -500)),
)  # fmt: skip


def at(north: float, east: float = 0.0, accuracy: float | None = 10.0, seconds: float = 0.0) -> Fix:
    latitude, longitude = moved(HOME, north, east)
    return Fix(latitude, longitude, NOW + timedelta(seconds=seconds), accuracy)


# --- geometry -----------------------------------------------------------------------------------------------


def test_given_known_cities_when_measured_then_the_distance_is_the_known_one() -> None:
    """Suzhou to Shanghai is some 85 km; a degree on the equator 111.2."""
    assert distance_m((31.2989, 120.5853), (31.2304, 121.4737)) == pytest.approx(84_900, rel=0.01)
    assert distance_m((0, 0), (0, 1)) == pytest.approx(111_195, rel=0.001)
    assert distance_m((10, 179.9), (10, -179.9)) == pytest.approx(21_900, rel=0.01)


@pytest.mark.parametrize(
    ("fence", "north", "east", "expected"),
    [
        (CIRCLE, 0, 0, -300),
        (CIRCLE, 300, 0, 0),
        (CIRCLE, 0, -400, 100),
        (SQUARE, 0, 0, -500),
        (SQUARE, 0, 450, -50),
        (SQUARE, 0, 600, 100),
        (SQUARE, 800, 900, 500),
        (HORSESHOE, 0, 0, 300),
        (HORSESHOE, -400, 0, -100),
        (HORSESHOE, 0, 400, -100),
        (HORSESHOE, 700, 0, 360),
    ],
)
def test_given_a_place_when_measured_then_so_many_metres_from_the_line(
    fence: Fence, north: float, east: float, expected: float
) -> None:
    assert outside_by(fence, moved(HOME, north, east)) == pytest.approx(expected, abs=2)


def test_given_a_polygon_over_the_date_line_when_asked_then_inside_is_inside() -> None:
    fence = Fence("f", "岛", points=((10.0, 179.99), (10.0, -179.99), (10.02, -179.99), (10.02, 179.99)))
    assert checked(fence)
    assert outside_by(fence, (10.01, 180.0)) < 0
    assert outside_by(fence, (10.01, -179.98)) > 0


@given(st.floats(-2000, 2000), st.floats(-2000, 2000))
def test_given_any_place_when_a_polygon_of_many_corners_stands_for_a_circle_then_both_say_the_same(
    north: float, east: float
) -> None:
    corners = [(300 * cos(2 * pi * n / 200), 300 * sin(2 * pi * n / 200)) for n in range(200)]
    round_one = Fence("f", "圆", points=ring(*corners))
    place = moved(HOME, north, east)
    assert outside_by(round_one, place) == pytest.approx(outside_by(CIRCLE, place), abs=3, rel=0.01)


@pytest.mark.parametrize(
    ("fence", "sentence"),
    [
        (Fence("f", "x", centre=HOME, radius_m=19), "radius_m must be"),
        (Fence("f", "x", centre=HOME, radius_m=100_001), "radius_m must be"),
        (Fence("f", "x", centre=(85.0, 0.0), radius_m=100), "between 80"),
        (Fence("f", "x", centre=HOME, radius_m=100, points=SQUARE.points), "either a circle"),
        (Fence("f", "x"), "3 to 200 points"),
        (Fence("f", "x", points=ring((0, 0), (0, 100))), "3 to 200 points"),
        (Fence("f", "x", points=ring(*((n, n * n) for n in range(MAX_POINTS + 1)))), "3 to 200 points"),
        (Fence("f", "x", points=ring((0, 0), (100, 100), (100, 0), (0, 100))), "edges meet"),
        (Fence("f", "x", points=ring((0, 0), (0, 100), (0, 100), (100, 0))), "edges meet"),
        (Fence("f", "x", points=((31.0, 120.0), (31.0, 120.002), (31.0, 120.001))), "edges meet"),
        (Fence("f", "x", points=ring((0, 0), (0, 1000), (4, 500))), "too narrow"),
        (Fence("f", "x", points=((31.0, 120.0), (31.0, 124.0), (33.0, 122.0))), "km across"),
    ],
)
def test_given_a_fence_that_cannot_be_watched_when_checked_then_it_is_said_why(fence: Fence, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        checked(fence)


def test_given_good_fences_when_checked_then_they_are_taken() -> None:
    for fence in (CIRCLE, SQUARE, HORSESHOE):
        assert checked(fence) is fence
        assert depth_m(fence) > 30


# --- what a fix is worth ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(0.0, 0.0), (0.001, -0.002), (91.0, 0.0), (0.0, 181.0), (float("nan"), 1.0), (1.0, float("inf"))],
)
def test_given_no_place_when_taken_then_there_is_no_fix(latitude: float, longitude: float) -> None:
    """Null island is where receivers without a fix say they are."""
    assert fix_of(latitude, longitude, 5, NOW, NOW) is None


@pytest.mark.parametrize(
    ("minutes", "dated", "shown"),
    [(-60, "device", -60), (0, "device", 0), (4, "device", 0), (6, "received", 0), (-60 * 24 * 8, "received", 0)],
)
def test_given_a_devices_clock_when_it_is_off_then_the_fix_is_dated_by_its_arrival_and_marked(
    minutes: int, dated: str, shown: int
) -> None:
    fix = fix_of(*HOME, 5, NOW + timedelta(minutes=minutes), NOW)
    assert fix is not None
    assert (fix.dated, fix.at) == (dated, NOW + timedelta(minutes=shown))


@pytest.mark.parametrize("accuracy", [None, 0.0, -1.0, float("nan"), 1e9])
def test_given_no_usable_accuracy_when_taken_then_it_is_unknown(accuracy: float | None) -> None:
    fix = fix_of(*HOME, accuracy, None, NOW)
    assert fix is not None
    assert (fix.accuracy_m, fix.dated) == (None, "received")


# --- hysteresis ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("north", "accuracy", "expected"),
    [
        (0, 10, IN),
        (269, 10, IN),
        (271, 10, None),
        (300, 10, None),
        (339, 10, None),
        (341, 10, OUT),
        (400, 80, None),
        (411, 80, OUT),
        (379, None, None),
        (381, None, OUT),
        (1000, 5000, None),
    ],
)
def test_given_a_fix_when_it_is_not_clear_then_it_shows_no_side(
    north: float, accuracy: float | None, expected: Side | None
) -> None:
    assert seen(CIRCLE, at(north, accuracy=accuracy)) is expected


def test_given_a_small_fence_when_somebody_is_in_its_middle_then_she_is_clearly_inside() -> None:
    small = Fence("f", "院子", centre=HOME, radius_m=20, margin_m=30)
    assert seen(small, at(0)) is IN


# What is known before → a fix's side, seconds later → what is known after.
TABLE = [
    (Watch(IN), IN, 10, Watch(IN)),
    (Watch(IN), None, 10, Watch(IN)),
    (Watch(IN), OUT, 10, Watch(IN, OUT, 1, NOW + timedelta(seconds=10))),
    (Watch(IN, OUT, 1, NOW), OUT, 10, Watch(OUT)),
    (Watch(IN, OUT, 1, NOW), IN, 10, Watch(IN)),
    (Watch(IN, OUT, 1, NOW), None, 10, Watch(IN, OUT, 1, None)),
    (Watch(IN, OUT, 1, None), OUT, 10, Watch(OUT)),
    (Watch(OUT), IN, 10, Watch(OUT, IN, 1, NOW + timedelta(seconds=10))),
    (Watch(OUT, IN, 1, NOW), IN, 10, Watch(IN)),
    (Watch(OUT, IN, 1, NOW), OUT, 10, Watch(OUT)),
    (Watch(), IN, 0, Watch(None, IN, 1, NOW)),
    (Watch(None, IN, 1, NOW), OUT, 10, Watch(None, OUT, 1, NOW + timedelta(seconds=10))),
    (Watch(None, OUT, 1, NOW), OUT, 10, Watch(OUT)),
]


@pytest.mark.parametrize(("before", "side", "seconds", "after"), TABLE)
def test_given_what_is_known_when_a_fix_comes_then_the_table_says_what_is_known(
    before: Watch, side: Side | None, seconds: float, after: Watch
) -> None:
    assert judge(CIRCLE, before, side, NOW + timedelta(seconds=seconds)) == after


def test_given_many_fixes_are_asked_for_when_a_clear_side_stands_for_long_then_it_is_believed() -> None:
    patient = Fence("f", "家", centre=HOME, radius_m=300, fixes=10, seconds=60)
    watch = judge(patient, Watch(IN), OUT, NOW)
    assert later(patient, watch, NOW + timedelta(seconds=59)) == watch
    assert later(patient, watch, NOW + timedelta(seconds=60)) == Watch(OUT)
    assert judge(patient, watch, OUT, NOW + timedelta(seconds=60)) == Watch(OUT)
    # What is not clear any more does not become true by waiting.
    unclear = judge(patient, watch, None, NOW + timedelta(seconds=10))
    assert later(patient, unclear, NOW + timedelta(hours=1)) == unclear


@pytest.mark.parametrize(
    ("alarm_on", "before", "after", "expected"),
    [
        (AlarmOn.LEAVE, Watch(IN), Watch(OUT), OUT),
        (AlarmOn.LEAVE, UNKNOWN, Watch(OUT), OUT),
        (AlarmOn.LEAVE, UNKNOWN, Watch(IN), None),
        (AlarmOn.LEAVE, Watch(OUT), Watch(IN), None),
        (AlarmOn.LEAVE, Watch(IN), Watch(IN, OUT, 1, NOW), None),
        (AlarmOn.ENTER, Watch(OUT), Watch(IN), IN),
        (AlarmOn.ENTER, UNKNOWN, Watch(IN), IN),
        (AlarmOn.ENTER, UNKNOWN, Watch(OUT), None),
        (AlarmOn.ENTER, Watch(IN), Watch(OUT), None),
        (AlarmOn.BOTH, Watch(IN), Watch(OUT), OUT),
        (AlarmOn.BOTH, Watch(OUT), Watch(IN), IN),
        (AlarmOn.BOTH, UNKNOWN, Watch(IN), None),
    ],
)
def test_given_a_rule_when_sides_change_then_what_it_alarms_on_alarms(
    alarm_on: AlarmOn, before: Watch, after: Watch, expected: Side | None
) -> None:
    fence = Fence("f", "家", centre=HOME, radius_m=300, alarm_on=alarm_on)
    assert crossing(fence, before, after) is expected


def alarms(fence: Fence, fixes: list[Fix], watch: Watch = UNKNOWN) -> int:
    count = 0
    for fix in fixes:
        before, watch = watch, judge(fence, watch, seen(fence, fix), fix.at)
        count += crossing(fence, before, watch) is not None
    return count


accuracies = st.one_of(st.none(), st.floats(1, 200))
bearings = st.floats(0, 2 * pi)


def place(distance: float, bearing: float, accuracy: float | None, minute: int) -> Fix:
    return at(distance * cos(bearing), distance * sin(bearing), accuracy, seconds=60 * minute)


@given(st.lists(st.tuples(st.floats(0, 0.999), bearings, accuracies), max_size=60))
def test_given_any_trembling_between_the_borders_when_it_goes_on_for_ever_then_it_alarms_at_most_once(
    noise: list[tuple[float, float, float | None]],
) -> None:
    """From just inside the margin to as far out as the fix itself is unsure of."""
    fixes = [
        place(271 + share * (58 + (50 if accuracy is None else accuracy)), bearing, accuracy, minute)
        for minute, (share, bearing, accuracy) in enumerate(noise)
    ]
    assert alarms(CIRCLE, fixes, Watch(IN)) == 0
    assert alarms(CIRCLE, fixes, Watch(IN, OUT, 1, NOW)) == 0
    assert alarms(CIRCLE, fixes, Watch(OUT)) == 0


@given(st.lists(st.tuples(st.floats(0, 5000), bearings, accuracies), max_size=40), bearings)
def test_given_any_history_when_she_clearly_leaves_then_it_has_alarmed_for_this_way_out(
    history: list[tuple[float, float, float | None]], bearing: float
) -> None:
    watch = UNKNOWN
    for minute, (distance, way, accuracy) in enumerate(history):
        fix = place(distance, way, accuracy, minute)
        watch = judge(CIRCLE, watch, seen(CIRCLE, fix), fix.at)
    start = len(history)
    home = [place(0, bearing, 10, start + n) for n in range(2)]
    away = [place(400 + 200 * n, bearing, 10, start + 2 + n) for n in range(5)]
    for fix in home:
        watch = judge(CIRCLE, watch, seen(CIRCLE, fix), fix.at)
    assert watch.side is IN
    assert alarms(CIRCLE, away, watch) == 1


@given(st.lists(st.booleans(), max_size=80))
def test_given_any_way_in_and_out_when_counted_then_every_alarm_has_its_own_return(steps: list[bool]) -> None:
    fixes = [place(0 if home else 600, radians(90), 10, minute) for minute, home in enumerate(steps)]
    watch, told = UNKNOWN, []
    for fix in fixes:
        before, watch = watch, judge(CIRCLE, watch, seen(CIRCLE, fix), fix.at)
        if watch.side is not before.side:
            told.append(watch.side)
    assert all(first is not second for first, second in pairwise(told))
    assert alarms(CIRCLE, fixes) == told.count(OUT)
