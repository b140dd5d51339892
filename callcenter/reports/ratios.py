"""Staffing against what the standards ask for (B3): what nobody has told us is null, never made up."""

import math

from pydantic import BaseModel, Field

ELDERS_PER_OPERATOR = 3000
"""SZ 5.1.4."""
ELDERS_PER_WORKER = 50
ELDERS_PER_MANAGER = 1000
"""SZ 5.1."""
CALL_CENTRE_STAFF = 10
"""GS 5.3.5.1(4)."""


class Ratio(BaseModel):
    """How many there are, and how many there must be. ``met``: null while nobody knows how many there are."""

    have: int | None
    need: int
    met: bool | None
    rule: str = Field(examples=["1:3000"])


class Ratios(BaseModel):
    """Staffing of the centre for the elders in its register."""

    elders: int
    operators: Ratio = Field(description="Active accounts of operators with a seat (SZ 5.1.4).")
    workers: Ratio = Field(description="Service workers (SZ 5.1); not known to this product: null.")
    managers: Ratio = Field(description="Managers (SZ 5.1); not known to this product: null.")
    call_centre_staff: Ratio = Field(description="Operators and supervisors with a seat (GS 5.3.5.1(4)).")


def ratios(elders: int, operators: int, supervisors: int) -> Ratios:
    """The ratios for so many elders and so many people with a seat."""

    def per(each: int, have: int | None) -> Ratio:
        need = math.ceil(elders / each)
        return Ratio(have=have, need=need, met=None if have is None else have >= need, rule=f"1:{each}")

    staff = operators + supervisors
    return Ratios(
        elders=elders,
        operators=per(ELDERS_PER_OPERATOR, operators),
        workers=per(ELDERS_PER_WORKER, None),
        managers=per(ELDERS_PER_MANAGER, None),
        call_centre_staff=Ratio(
            have=staff, need=CALL_CENTRE_STAFF, met=staff >= CALL_CENTRE_STAFF, rule=f">={CALL_CENTRE_STAFF}"
        ),
    )
