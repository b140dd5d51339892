"""Tables of accounts and of the refresh tokens that keep them signed in."""

from datetime import datetime

import msgspec
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UtcDateTime, Versioned

SECRET = {"secret": True}
"""Column mark: the audit shows that such a value changed, never the value."""

RESERVED_USERS = frozenset(
    # Sections of Asterisk's configuration, and what a trunk writes in place of a withheld number: a call is looked up
    # by its From user first, so a seat of such a name would be asked for its password, and the caller refused (A8).
    {"global", "system", "udp", "tcp", "ws", "line", "trunk", "trunk2", "seat", "seat-auth", "seat-aor", "synthetic"}
    | {"web-seat", "web-aor", "nameless", "nowhere"}
    | {"watchdog"}  # as whom the watchdog is on record
    | {
        "anonymous",
        "unknown",
        "unavailable",
        "unidentified",
        "restricted",
        "private",
        "withheld",
        "asterisk",
        "invalid",
    }
)


class AccountRow(Versioned, Base):
    """Somebody who may sign in. ``sip_ha1``: MD5 of user:realm:password (RFC 8760 §2.4), for accounts with a seat.

    ``auto_answer``: the seat's phone picks up an emergency by itself (A1, R12).
    """

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    role: Mapped[str] = mapped_column(String(20))
    area: Mapped[str | None] = mapped_column(String(60))
    password_hash: Mapped[str] = mapped_column(String(200), info=SECRET)
    sip_ha1: Mapped[str | None] = mapped_column(String(32), info=SECRET)
    auto_answer: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool]


class RefreshTokenRow(Base):
    """One refresh token, stored as a digest. A family is one sign-in; using a token twice ends the family."""

    __tablename__ = "refresh_tokens"
    __audited__ = False

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    family: Mapped[str] = mapped_column(String(36), index=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SeatAccount(msgspec.Struct, frozen=True):
    """What Asterisk needs to let a seat's phone register, and routing to ring it."""

    user: str
    role: str
    sip_ha1: str
    auto_answer: bool = False
    phone_word: str = ""
    """Changes with either of the account's passwords, and with it that of the phone in the browser."""
