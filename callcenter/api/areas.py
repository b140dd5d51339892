"""Rights by area (I3): an account that is bound to an area sees only what belongs to the elders who live there."""

from sqlalchemy import Select, select

from callcenter.accounts.permissions import Principal
from callcenter.api.deps import Services
from callcenter.errors import NotFound
from callcenter.people.model import ElderRow


def sees(who: Principal, services: Services, elder_id: str | None) -> bool:
    """Whether what belongs to this elder is for these eyes; a stranger's call is for those of all areas only."""
    if who.area is None:
        return True
    elder = services.directory.directory.elder(elder_id) if elder_id else None
    return elder is not None and elder.area == who.area


def check(who: Principal, services: Services, elder_id: str | None, what: str) -> None:
    """Raise `NotFound`, as if it were not there, unless `sees`."""
    if not sees(who, services, elder_id):
        raise NotFound(f"no {what} has this id")


def elders_seen(who: Principal) -> Select[str] | None:
    """The ids of the elders of the account's area, for a query; None where it is bound to none."""
    return None if who.area is None else select(ElderRow.id).where(ElderRow.area == who.area)
