"""UUIDv7 ids (RFC 9562): sortable by time, minted without asking anybody."""

import hashlib
from datetime import datetime
from uuid import UUID

import uuid_utils


def new_id() -> str:
    """A fresh UUIDv7 as text."""
    return str(uuid_utils.uuid7())


def derived_id(at: datetime, *parts: str) -> str:
    """A UUIDv7 that is the same whenever it is derived from the same moment and parts.

    For things that are taken in from outside more than once (a spooled call, a repeated webhook):
    the same input yields the same id, so taking it in twice changes nothing.
    """
    milliseconds = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    digest = int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:10], "big")
    value = milliseconds << 80 | digest
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))


def earlier(id: str, seconds: float, step: int = 0) -> str:
    """The least that sorts before every UUIDv7 minted from so many seconds before this one on.

    ``step``: the moment is rounded down to a whole multiple of so many seconds. What is no UUIDv7 is as old as can
    be: the empty text.
    """
    try:
        milliseconds = UUID(id).int >> 80
    except ValueError:
        return ""
    since = max(0, milliseconds - int(seconds * 1000))
    digits = f"{since - since % (step * 1000 or 1):012x}"
    return f"{digits[:8]}-{digits[8:]}-"
