"""The supervisor's judgement of a silent process: hung, starting, or gone (R2)."""

from callcenter.processes import ProcessRef
from callcenter.supervisor import PROBE_EVERY, READY_SECONDS, HangWatch

FIRST, SECOND = ProcessRef(10, 1), ProcessRef(11, 2)


def test_a_process_that_answered_and_falls_silent_is_counted_probe_by_probe() -> None:
    watch = HangWatch()
    assert watch.probed(FIRST, True, 0) == 0
    assert [watch.probed(FIRST, False, 2.0 * n) for n in (1, 2, 3)] == [1, 2, 3]
    assert watch.probed(FIRST, True, 8) == 0
    assert watch.probed(FIRST, False, 10) == 1


def test_a_process_that_died_and_its_successor_begin_at_nought() -> None:
    watch = HangWatch()
    watch.probed(FIRST, True, 0)
    assert watch.probed(FIRST, False, 2) == 1
    assert watch.probed(None, False, 4) == 0
    assert watch.probed(SECOND, False, 6) == 0


def test_a_long_start_is_no_hang_until_its_time_is_up() -> None:
    """Killed in mid-start it would only start again, and again, and never be there."""
    watch = HangWatch()
    now = 0.0
    while now < READY_SECONDS:
        assert watch.probed(FIRST, False, now) == 0
        now += PROBE_EVERY
    assert watch.probed(FIRST, False, now) == 1
    assert watch.probed(FIRST, True, now + 2) == 0
