"""The test seat: a machine answers synthetic presses, unseen, and nobody else's (the watchdog's measure of A1)."""

from pathlib import Path

import pytest

from callcenter.calls.service import Calls
from callcenter.clock import SystemClock
from callcenter.errors import NotFound
from callcenter.ledger import Ledger
from callcenter.routing.acceptance import Acceptance
from callcenter.routing.service import TEST_SEAT, Routing
from callcenter.telephony.events import PhoneStatus
from tests.support.world import Account


def routing(tmp_path: Path) -> Routing:
    class Nothing:
        def append(self, *facts: object) -> None: ...

        async def durable(self) -> bool:
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
