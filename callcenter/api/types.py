"""Shapes shared by the routes: short text, phone numbers, ids, moments in time."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from fastapi import Path
from pydantic import AfterValidator, BaseModel, Field, PlainSerializer

from callcenter.clock import SHANGHAI
from callcenter.phone import PHONE_PATTERN, normalise

Item = TypeVar("Item")

# One line of text: no control characters (PostgreSQL refuses NUL; CR and LF would be injections further on).
_LINE = r"^[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*$"
_PROSE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]*$"

Line = Annotated[str, Field(min_length=1, max_length=60, pattern=_LINE)]
LongLine = Annotated[str, Field(min_length=1, max_length=200, pattern=_LINE)]
Prose = Annotated[str, Field(max_length=4000, pattern=_PROSE)]
UserName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{1,31}$", examples=["op1"])]
Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,64}$", examples=["0190b7c2-0000-7000-8000-000000000000"])]


def _canonical(raw: str) -> str:
    number = normalise(raw)
    if number is None:
        raise ValueError(f"{raw!r} is not a phone number")
    return number


Phone = Annotated[
    str, Field(max_length=40, pattern=PHONE_PATTERN, examples=["13800001001"]), AfterValidator(_canonical)
]
"""A phone number in any spelling, turned into its canonical form."""

Moment = Annotated[datetime, PlainSerializer(lambda at: at.astimezone(SHANGHAI).isoformat(), return_type=str)]
"""A moment, shown as ISO 8601 with the offset of Asia/Shanghai."""


class Page(BaseModel, Generic[Item]):
    """A part of a list. ``next``: give it as ``cursor`` to get the following part; null at the end."""

    items: list[Item]
    next: str | None
