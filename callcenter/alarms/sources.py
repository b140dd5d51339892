"""Who may send alarms: known by a token or a signature, in memory, so that the database is not asked (A5, A10, I3).

A source's good word is never throttled: behind one address may be an attacker and a house on fire.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from callcenter.accounts.throttle import Throttle
from callcenter.clock import Clock
from callcenter.errors import NotAuthenticated

CLOCK_SECONDS = 300.0
"""How far a signature's timestamp may be off."""
_REMEDY = "send Authorization: Bearer <token>, or X-Timestamp and X-Signature: sha256=<hex HMAC of timestamp.body>"


class Auth(StrEnum):
    """How a source shows who it is."""

    TOKEN = "token"  # noqa: S105 - the name of a way
    HMAC = "hmac"


class Source(msgspec.Struct, frozen=True):
    """A source as it is kept. ``secret``: the SHA-256 of its token, or its HMAC key; ``previous``: the one before."""

    id: str
    name: str
    auth: str
    secret: str
    area: str | None = None
    previous: str | None = None
    previous_until: datetime | None = None


def token_digest(token: str) -> str:
    """What is kept of a token; it has 256 random bits, so a plain digest cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def signature(key: str, timestamp: str, body: bytes) -> str:
    """The value of ``X-Signature``: ``sha256=`` and the hex HMAC-SHA256 of ``<timestamp>.<body>``."""
    return "sha256=" + hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class Sources:
    """The enabled sources."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_id: dict[str, Source] = {}
        self._by_digest: dict[str, Source] = {}
        self._throttle = Throttle(clock, attempts=30, per_address=300)

    def replace(self, sources: Iterable[Source]) -> None:
        """These are the sources from now on."""
        self._by_id = {source.id: source for source in sources}
        tokens = [source for source in self._by_id.values() if source.auth == Auth.TOKEN]
        self._by_digest = {source.previous: source for source in tokens if source.previous}
        self._by_digest |= {source.secret: source for source in tokens}

    @property
    def everybody(self) -> list[Source]:
        """All enabled sources."""
        return list(self._by_id.values())

    def who(self, headers: Mapping[str, str], body: bytes, address: str) -> Source:
        """The source of a request; raises `NotAuthenticated`, and `TooManyAttempts` after too many wrong ones."""
        source, problem = self._look(headers, body)
        if source is None:
            self._throttle.begin(headers.get("X-Source", "")[:64], address)
            raise NotAuthenticated(problem)
        return source

    def _look(self, headers: Mapping[str, str], body: bytes) -> tuple[Source | None, str]:
        given = headers.get("X-Signature")
        if given is not None:
            return self._signed(given, headers.get("X-Timestamp", ""), body)
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None, f"an alarm's source must show who it is: {_REMEDY}"
        digest = token_digest(token.strip())
        source = self._by_digest.get(digest)
        if source is None or digest not in self._secrets(source):
            return None, "no alarm source has this token, or it is disabled; an administrator can rotate it"
        return source, ""

    def _signed(self, given: str, timestamp: str, body: bytes) -> tuple[Source | None, str]:
        now = self._clock.now()
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
            return None, "X-Timestamp must be seconds since 1970"
        if abs(now.timestamp() - int(timestamp)) > CLOCK_SECONDS:
            return None, f"X-Timestamp is more than {CLOCK_SECONDS:.0f} s off; it is {int(now.timestamp())} here"
        for source in self._by_id.values():
            if source.auth == Auth.HMAC:
                for key in self._secrets(source):
                    if hmac.compare_digest(signature(key, timestamp, body).encode(), given.strip().lower().encode()):
                        return source, ""
        return None, "no alarm source has signed this; an administrator can rotate its key"

    def _secrets(self, source: Source) -> list[str]:
        """The secrets that hold now: the present one, and for some time the one before."""
        until = source.previous_until
        old = source.previous if until is not None and self._clock.now() < until else None
        return [source.secret, *([old] if old else [])]
