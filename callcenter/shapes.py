"""Shapes of input that every edge shares: short text, phone numbers, user names (R22)."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from callcenter.phone import PERSON_PATTERN, PHONE_PATTERN, normalise

# No control characters: PostgreSQL refuses NUL, and CR and LF would be injections further on (AMI is a line protocol).
_LINE = r"^[^\x00-\x1f\x7f-\x9f]*$"
_PROSE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Line = Annotated[str, Field(min_length=1, max_length=60, pattern=_LINE)]
LongLine = Annotated[str, Field(min_length=1, max_length=200, pattern=_LINE)]
Prose = Annotated[str, Field(max_length=4000, pattern=_PROSE)]
UserName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{1,31}$", examples=["op1"])]
Reference = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,36}$", examples=["0190b7c2-0000-7000-8000-000000000000"])]


def _canonical(raw: str) -> str:
    number = normalise(raw)
    if number is None:
        raise ValueError("not a phone number")
    return number


Phone = Annotated[
    str, Field(max_length=40, pattern=PHONE_PATTERN, examples=["13800001001"]), AfterValidator(_canonical)
]
"""A phone number in any spelling, turned into its canonical form."""

_PERSON = re.compile(PERSON_PATTERN)


def _person(raw: str) -> str:
    # 12 is a number for some exchanges; nobody is reached by it.
    if _PERSON.fullmatch(raw) is None:
        raise ValueError(
            "write a mobile number of 11 digits like 13800001001, a landline with its area code like 0512-65001001, "
            "or one abroad with + and its country code"
        )
    return _canonical(raw)


PersonPhone = Annotated[
    str,
    Field(max_length=40, examples=["13800001001"], json_schema_extra={"pattern": PERSON_PATTERN}),
    AfterValidator(_person),
]
"""A number that a stranger leaves to be called at, turned into its canonical form; no short codes."""

_EARLIEST, _LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)


def _written(raw: object) -> object:
    """Dates are written out: a bare number would be taken for seconds since 1970."""
    if isinstance(raw, str) and re.match(r"\d{4}-\d\d-\d\d[Tt ]", raw):
        # The + of an offset that nobody escaped in a URL is a space.
        return re.sub(r"(:[0-9.]+) (\d\d:?\d\d)$", r"\1+\2", raw)
    if isinstance(raw, datetime):
        return raw
    raise ValueError("not an ISO 8601 moment with offset, like 2026-03-01T09:30:00+08:00")


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_written),
    AfterValidator(lambda at: min(max(at, _EARLIEST), _LATEST)),
    Field(examples=["2026-03-01T09:30:00+08:00"]),
]
"""A moment with its offset; kept off the ends of the calendar, which cannot be shown in every time zone."""


def _written_day(raw: object) -> object:
    if isinstance(raw, date) or (isinstance(raw, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", raw)):
        return raw
    raise ValueError("not an ISO 8601 date, like 1941-03-12")


Day = Annotated[date, BeforeValidator(_written_day), Field(examples=["1941-03-12"])]
"""A date, written out."""

Flag = Annotated[bool, Field(strict=True)]
"""true or false in JSON; 0, 1 and "yes" are neither."""

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""A number in JSON; true and "1" are none."""


def _number(raw: object) -> object:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise ValueError("not a number")
    return raw


WHOLE = BeforeValidator(_number)
"""For ``Annotated[int, Field(…), WHOLE]``: a whole number in JSON, 3 or 3.0; true and "1" are none."""

Version = Annotated[
    int,
    Field(ge=1, le=2**31 - 1, description="As read; another version answers 409."),
    BeforeValidator(_number),
]
