"""Lists in parts: by key, not by offset, so that no item is missed or shown twice while others are added."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Depends, Query
from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

Row = TypeVar("Row")


class PageRequest(msgspec.Struct, frozen=True):
    """Which part is asked for. ``cursor``: the key of the last item of the part before."""

    cursor: str | None
    limit: int


def _page_request(
    cursor: Annotated[
        str | None, Query(pattern=r"^[0-9A-Za-z-]{1,64}$", description="The `next` of the part before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="The most items to answer with.")] = 50,
) -> PageRequest:
    return PageRequest(cursor, limit)


def _numbered_request(
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="The `next` of the part before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="The most items to answer with.")] = 50,
) -> PageRequest:
    return PageRequest(cursor, limit)


PageDep = Annotated[PageRequest, Depends(_page_request)]
"""For lists keyed by an id."""

NumberedPageDep = Annotated[PageRequest, Depends(_numbered_request)]
"""For lists keyed by a number."""


async def fetch_page(
    session: AsyncSession,
    query: Select[Row],
    key: InstrumentedAttribute[Any],
    request: PageRequest,
    *,
    newest_first: bool = False,
) -> tuple[Sequence[Row], str | None]:
    """The rows of one part and the cursor of the next (None at the end).

    ``key``: a unique column; ids are UUIDv7, so ordering by id is ordering by age.
    """
    if request.cursor is not None:
        last = key.type.python_type(request.cursor)
        query = query.where(key < last if newest_first else key > last)
    query = query.order_by(key.desc() if newest_first else key.asc()).limit(request.limit + 1)
    rows = (await session.scalars(query)).all()
    part = rows[: request.limit]
    return part, str(getattr(part[-1], key.key)) if len(rows) > request.limit else None
