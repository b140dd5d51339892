"""Passwords: argon2id, off the event loop, few at a time; SIP digest secrets (I3)."""

import asyncio
import hashlib
import secrets
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callcenter.errors import InvalidInput

SIP_REALM = "callcenter"
SHORTEST, LONGEST = 10, 128


class Passwords:
    """Hashes and checks. ``hasher``: argon2id parameters, RFC 9106's by default; ``at_once``: memory is 64 MiB each."""

    def __init__(self, hasher: PasswordHasher | None = None, at_once: int = 2) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(at_once)

    async def hash(self, password: str) -> str:
        """The argon2id hash in PHC form."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is right. Without an account (None) it takes as long and is wrong."""
        async with self._turn:
            return await asyncio.to_thread(self._verify, stored, password)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_hex(16))

    def _verify(self, stored: str | None, password: str) -> bool:
        try:
            right = self._hasher.verify(stored or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return right and stored is not None


def check_new_password(user: str, password: str) -> None:
    """Raises `InvalidInput` for a password that is too short, too long or the user's name."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(f"a password has {SHORTEST} to {LONGEST} characters", reason="password_length")
    if user.lower() in password.lower():
        raise InvalidInput("a password must not contain the user name", reason="password_user")


def new_password(user: str) -> str:
    """A random password for `user`, 120 bits, to be shown once or kept in the data folder's secrets."""
    while True:
        password = secrets.token_urlsafe(15)
        if user.lower() not in password.lower():  # `check_new_password` would refuse it: 1 in 20 000 for "op1"
            return password


def new_sip_password() -> str:
    """A fresh SIP password of 144 random bits; people never type it."""
    return secrets.token_urlsafe(18)


def sip_ha1(user: str, password: str) -> str:
    """The digest Asterisk stores in place of the password (RFC 2617 §3.2.2.2)."""
    return hashlib.md5(f"{user}:{SIP_REALM}:{password}".encode(), usedforsecurity=False).hexdigest()
