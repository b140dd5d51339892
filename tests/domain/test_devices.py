"""Device states: the whole table, state × target, and tests that end by themselves (F2, R26)."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.devices.model import DeviceKind, DeviceRow, DeviceState
from callcenter.devices.service import DeviceInput, create_device, expire_tests, get_device, set_state, state_of
from callcenter.errors import IllegalTransition
from tests.support.database import (  # noqa: F401 - pytest finds fixtures by their names here
    migrated,
    migrated_postgres,
    migrated_sqlite,
    postgres_template,
    sqlite_template,
)

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
S = DeviceState
ALLOWED = {
    (S.OUT_OF_SERVICE, S.ON_TEST),
    (S.ON_TEST, S.IN_SERVICE),
    (S.ON_TEST, S.FAULTY),
    (S.ON_TEST, S.OUT_OF_SERVICE),
    (S.IN_SERVICE, S.ON_TEST),
    (S.IN_SERVICE, S.FAULTY),
    (S.IN_SERVICE, S.OUT_OF_SERVICE),
    (S.FAULTY, S.ON_TEST),
    (S.FAULTY, S.OUT_OF_SERVICE),
}


def _device(state: DeviceState, resumes: DeviceState | None = None) -> DeviceRow:
    until = START + timedelta(minutes=60) if state is S.ON_TEST else None
    return DeviceRow(id="d", state=state, resumes=resumes, on_test_until=until, updated_at=START)


@pytest.mark.parametrize(("state", "target"), list(product(S, S)))
def test_given_a_state_when_another_is_asked_for_then_the_table_decides(
    state: DeviceState, target: DeviceState
) -> None:
    row = _device(state)
    if (state, target) in ALLOWED:
        set_state(ManualClock(START), row, target)
        assert row.state == target
    else:
        with pytest.raises(IllegalTransition, match=f"from {state} to {target}"):
            set_state(ManualClock(START), row, target)
        assert row.state == state


@given(st.lists(st.tuples(st.sampled_from(S), st.integers(0, 90)), max_size=12))
def test_given_any_history_when_played_then_no_device_is_in_service_without_a_test_just_before(
    history: list[tuple[DeviceState, int]],
) -> None:
    """F2: whatever is asked and however long tests are left alone."""
    clock = ManualClock(START)
    row = _device(S.OUT_OF_SERVICE)
    tested = False
    for target, minutes in history:
        before = state_of(row, clock.now())
        try:
            set_state(clock, row, target)
        except IllegalTransition:
            assert state_of(row, clock.now()) == before
        else:
            tested |= before is S.ON_TEST and target is S.IN_SERVICE
        clock.move_to(clock.now() + timedelta(minutes=minutes))
        assert state_of(row, clock.now()) is not S.IN_SERVICE or tested


@pytest.mark.parametrize("before", [S.IN_SERVICE, S.FAULTY, S.OUT_OF_SERVICE])
def test_given_a_test_when_it_runs_out_then_the_device_is_what_it_was(before: DeviceState) -> None:
    clock = ManualClock(START)
    row = _device(before)
    set_state(clock, row, S.ON_TEST, test_minutes=30)
    assert state_of(row, START + timedelta(minutes=29)) is S.ON_TEST
    assert state_of(row, START + timedelta(minutes=30)) is before


async def test_given_tests_that_ran_out_when_the_timer_comes_then_it_is_written_down_once(
    migrated: Database,  # noqa: F811
) -> None:
    clock = ManualClock(START)
    async with migrated.transaction() as session:
        for number in range(3):
            row = await create_device(session, clock, DeviceInput(kind=DeviceKind.PENDANT, serial=f"P-{number}"))
            set_state(clock, row, S.ON_TEST, test_minutes=10 * (number + 1))
    clock.move_to(START + timedelta(minutes=20))
    counts = []
    for _ in range(2):
        async with migrated.transaction() as session:
            counts.append(await expire_tests(session, clock))
    assert counts == [2, 0]
    async with migrated.transaction() as session:
        stored = await get_device(session, row.id)
        assert stored.state == S.ON_TEST
