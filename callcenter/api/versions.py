"""Optimistic locking on the wire: ETag out, If-Match in (RFC 9110 §8.8.3, §13.1.1)."""

from typing import Annotated

from fastapi import Header, Response

from callcenter.errors import PreconditionFailed

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        pattern=r"^[\x20-\x7e]{1,100}$",
        description="The ETag as read; a change by somebody else since then answers 412.",
        examples=['"3"'],
    ),
]


def check_match(version: int, if_match: str | None) -> None:
    """Raises `PreconditionFailed` when the caller read another version."""
    if if_match not in (None, "*") and str(if_match).removeprefix("W/").strip('"') != str(version):
        raise PreconditionFailed(f'this was changed by somebody else, its ETag is "{version}"; read it again')


def tag(response: Response, version: int) -> None:
    """Set the ETag."""
    response.headers["ETag"] = f'"{version}"'
