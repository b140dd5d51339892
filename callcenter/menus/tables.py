"""Tables of menus and of prompts that were uploaded."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import JSON, Float, String
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UtcDateTime, Versioned
from callcenter.menus.model import Menu, Node


class MenuState(StrEnum):
    """A version of a menu: written, in force, replaced. Each step is taken once, in this order."""

    DRAFT = "draft"
    LIVE = "live"
    RETIRED = "retired"


class MenuRow(Versioned, Base):
    """One version of a line's menu. ``edition``: its number, 1 and up; ``nodes``: as `menus.model.Node`, by name."""

    __tablename__ = "menus"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    line: Mapped[str] = mapped_column(String(16), index=True)
    edition: Mapped[int]
    state: Mapped[str] = mapped_column(String(8), index=True)
    root: Mapped[str] = mapped_column(String(40))
    nodes: Mapped[dict[str, Any]] = mapped_column(JSON)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    published_by: Mapped[str] = mapped_column(String(32))


class PromptRow(Base):
    """A prompt that was uploaded; its audio lies in the data folder."""

    __tablename__ = "prompts"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    text: Mapped[str] = mapped_column(String(200))
    seconds: Mapped[float] = mapped_column(Float)
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(32))


def menu_of(row: MenuRow) -> Menu:
    """The menu as it is interpreted; raises `msgspec.ValidationError`."""
    return Menu(
        id=row.id,
        root=row.root,
        nodes=msgspec.convert(row.nodes, dict[str, Node]),
        line=row.line,
        version=row.edition,
    )
