"""Table of imports: the draft with its report, and what became of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.accounts.model import SECRET
from callcenter.db import Base, UtcDateTime, Versioned


class ImportState(StrEnum):
    """draft → applied or discarded; nothing leads back."""

    DRAFT = "draft"
    APPLIED = "applied"
    DISCARDED = "discarded"


class ImportRow(Versioned, Base):
    """One upload. ``content``: its rows, kept while it is a draft, a day at most (I1). ``base``: digest of what was
    registered of all that it names. ``problems``, ``warnings``: as `imports.check.Finding`. ``result``: what was done.
    """

    __tablename__ = "imports"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    file_name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(String(64))
    area: Mapped[str | None] = mapped_column(String(60))
    rows: Mapped[int]
    ok: Mapped[int]
    new: Mapped[int]
    base: Mapped[str] = mapped_column(String(64))
    content: Mapped[list[Any]] = mapped_column(JSON, info=SECRET)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSON, info=SECRET)
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(JSON, info=SECRET)
    problem_count: Mapped[int]
    warning_count: Mapped[int]
    created_by: Mapped[str] = mapped_column(String(64))
    applied_by: Mapped[str | None] = mapped_column(String(64))
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    result: Mapped[dict[str, int]] = mapped_column(JSON)
