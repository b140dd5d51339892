"""Which seats there are: how many can be reached (R11), and the machine that answers synthetic presses alone."""

from pathlib import Path

import pytest

from callcenter.calls.service import Calls
from callcenter.clock import SystemClock
from callcenter.errors import NotFound
from callcenter.ledger import Ledger
from callcenter.routing.acceptance import Acceptance
from callcenter.routing.model import Reachable
from callcenter.routing.seats import TEST_SEAT
from callcenter.routing.service import Routing
from callcenter.telephony.events import PhoneStatus
from tests.support.world import STRANGER, Account, World


def routing(tmp_path: Path) -> Routing:
    class Nothing:
        def append(self, *facts: object) -> None: ...

        async def durable(self, *, within: float = 0) -> bool:
            return True

    clock = SystemClock()
    ledger = Ledger(Nothing(), clock)
    calls = Calls(ledger, Nothing(), None, clock, tmp_path)  # type: ignore[arg-type]
    acceptance = Acceptance(ledger, calls, None, clock, 8)  # type: ignore[arg-type]
    return Routing(ledger, calls, clock, acceptance, ring_seconds=30, wrap_up_seconds=5, test_seat=True)


def test_the_test_seat_is_in_no_list_and_nobody_can_set_it_or_take_its_name(tmp_path: Path) -> None:
    it = routing(tmp_path)
    it.staff([Account("op1"), Account(TEST_SEAT)])
    assert [seat.user for seat in it.seats()] == ["op1"]
    with pytest.raises(NotFound):
        it.seat(TEST_SEAT)
    it.reconcile_phones(frozenset())
    it.phone(PhoneStatus(TEST_SEAT, False))
    assert it._seats[TEST_SEAT].registered


def test_how_many_seats_can_be_reached_counts_phones_that_are_on_free_and_talking(world: World) -> None:
    """R11: none registered, none free: the watchdog asks."""
    assert world.controller.routing.reachable() == Reachable(seats=4, registered=0, free=0, busy=0)
    world.register("op1", "op2", "sup1")
    world.pause("op2")
    world.hotline(STRANGER)
    world.answer(world.ringing("op1"))
    assert world.controller.routing.reachable() == Reachable(seats=4, registered=3, free=1, busy=1)
