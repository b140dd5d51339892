"""Staffing against what the standards ask for (B3): what nobody has told us is null, never made up."""

import math
from collections.abc import Mapping

from pydantic import BaseModel, Field

from callcenter.people.staff import StaffKind

ELDERS_PER_OPERATOR = 3000
"""SZ 5.1.4."""
ELDERS_PER_WORKER = 50
ELDERS_PER_MANAGER = 1000
"""SZ 5.1."""
CALL_CENTRE_STAFF = 10
"""GS 5.3.5.1(4)."""


class Ratio(BaseModel):
    """How many there are, and how many there must be. ``met``, ``missing``: null while nobody knows how many there
    are."""

    have: int | None
    need: int
    met: bool | None
    missing: int | None = Field(description="So many people more are needed.")
    rule: str = Field(examples=["1:3000"])


class AreaRatios(BaseModel):
    """Staffing of one area for its elders; ``area`` is empty for elders and staff of none."""

    area: str
    elders: int
    workers: Ratio
    managers: Ratio


class Ratios(BaseModel):
    """Staffing of the centre for the elders whom it serves."""

    elders: int = Field(description="Registered and active.")
    operators: Ratio = Field(description="Active accounts of operators with a seat (SZ 5.1.4).")
    workers: Ratio = Field(
        description="Care workers of the register on this day (SZ 5.1); null: none was ever told of."
    )
    managers: Ratio = Field(description="Managers of the register on this day (SZ 5.1); null: none was ever told of.")
    call_centre_staff: Ratio = Field(description="Operators and supervisors with a seat (GS 5.3.5.1(4)).")
    areas: list[AreaRatios]


def ratios(
    elders: Mapping[str, int], operators: int, supervisors: int, staff: Mapping[str, Mapping[str, int]]
) -> Ratios:
    """The ratios for so many elders by area, people with a seat, and staff by kind and area (`staff.counted`)."""
    everybody = sum(elders.values())
    areas = sorted({*elders, *(area for of in staff.values() for area in of)}, key=lambda area: (not area, area))

    def of(kind: StaffKind, each: int, area: str | None = None) -> Ratio:
        known = staff.get(kind)
        have = None if known is None else sum(known.values()) if area is None else known.get(area, 0)
        return _ratio(have, math.ceil((everybody if area is None else elders.get(area, 0)) / each), f"1:{each}")

    return Ratios(
        elders=everybody,
        operators=_ratio(operators, math.ceil(everybody / ELDERS_PER_OPERATOR), f"1:{ELDERS_PER_OPERATOR}"),
        workers=of(StaffKind.WORKER, ELDERS_PER_WORKER),
        managers=of(StaffKind.MANAGER, ELDERS_PER_MANAGER),
        call_centre_staff=_ratio(operators + supervisors, CALL_CENTRE_STAFF, f">={CALL_CENTRE_STAFF}"),
        areas=[
            AreaRatios(
                area=area,
                elders=elders.get(area, 0),
                workers=of(StaffKind.WORKER, ELDERS_PER_WORKER, area),
                managers=of(StaffKind.MANAGER, ELDERS_PER_MANAGER, area),
            )
            for area in areas
        ],
    )


def _ratio(have: int | None, need: int, rule: str) -> Ratio:
    missing = None if have is None else max(0, need - have)
    return Ratio(have=have, need=need, met=None if missing is None else missing == 0, missing=missing, rule=rule)
