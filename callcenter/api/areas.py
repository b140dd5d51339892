"""Rights by area (I3): an account that is bound to an area sees only what belongs to the elders who live there.

And the calls that its own seat rings for, is on or was on, whoever calls: all free seats ring for an emergency, and who
answers must know who is in need and where, and be able to send help (A2, A9, B4).
"""

from collections.abc import Iterable

from sqlalchemy import Select, select

from callcenter.accounts.permissions import Principal
from callcenter.api.deps import Services
from callcenter.calls.model import Call, Role
from callcenter.errors import NotFound
from callcenter.people.model import ElderRow


def sees(who: Principal, services: Services, elder_id: str | None, calls: Iterable[Call | None] = ()) -> bool:
    """Whether what belongs to this elder, or one of these calls, is for these eyes; a stranger's call is for those of
    all areas, and for whose seat it comes to."""
    if who.area is None:
        return True
    elder = services.directory.directory.elder(elder_id) if elder_id else None
    return (elder is not None and elder.area == who.area) or any(_at_seat(who, call) for call in calls)


def _at_seat(who: Principal, call: Call | None) -> bool:
    """Whether a call rings at one's own seat now, or was taken there."""
    return call is not None and any(
        leg.role == Role.SEAT and leg.number == who.user and (leg.live or leg.accepted_at is not None)
        for leg in call.legs.values()
    )


def attends(who: Principal, services: Services, elder_id: str) -> bool:
    """Whether `sees`, or she is, or was a moment ago, on the line at one's own seat."""
    controller = services.controller
    calls = controller.calls.known() if controller is not None and who.area is not None else ()
    return sees(who, services, elder_id, (call for call in calls if call.elder_id == elder_id))


def check(
    who: Principal, services: Services, elder_id: str | None, what: str, calls: Iterable[Call | None] = ()
) -> None:
    """Raise `NotFound`, as if it were not there, unless `sees`."""
    if not sees(who, services, elder_id, calls):
        raise NotFound(f"no {what} has this id")


def elders_seen(who: Principal) -> Select[str] | None:
    """The ids of the elders of the account's area, for a query; None where it is bound to none."""
    return None if who.area is None else select(ElderRow.id).where(ElderRow.area == who.area)
