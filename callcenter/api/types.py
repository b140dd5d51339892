"""Shapes shared by the routes: ids in paths, moments in time, pages of lists; and those of `callcenter.shapes`."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from fastapi import Path
from pydantic import BaseModel, PlainSerializer

from callcenter.clock import SHANGHAI
from callcenter.shapes import Line, LongLine, Phone, Prose, Reference, UserName

__all__ = ["Id", "Line", "LongLine", "Moment", "Page", "Phone", "Prose", "Reference", "UserName"]

Item = TypeVar("Item")

Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,36}$", examples=["0190b7c2-0000-7000-8000-000000000000"])]

Moment = Annotated[
    datetime, PlainSerializer(lambda at: at.astimezone(SHANGHAI), return_type=datetime, when_used="json")
]
"""A moment, shown as ISO 8601 with the offset of Asia/Shanghai."""


class Page(BaseModel, Generic[Item]):
    """A part of a list. ``next``: give it as ``cursor`` to get the following part; null at the end."""

    items: list[Item]
    next: str | None
