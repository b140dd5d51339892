"""Table of answers given to requests with an Idempotency-Key."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UtcDateTime


class AnswerRow(Base):
    """The answer to one key of one user. ``status`` 0: still being worked on, in a transaction not yet committed."""

    __tablename__ = "idempotency_answers"
    __audited__ = False

    user: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    status: Mapped[int]
    media_type: Mapped[str | None] = mapped_column(String(100))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
