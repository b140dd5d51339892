"""Access tokens: short-lived JWTs, checked without the database, so that acts on a call work while it is down (A10)."""

from collections.abc import Callable

import jwt

from callcenter.accounts.permissions import Principal, Role
from callcenter.clock import Clock
from callcenter.errors import NotAuthenticated

_ALGORITHM = "HS256"
_ISSUER = "callcenter"


class Tokens:
    """Issues and reads access tokens. ``minutes``: how long one is good for, by the injected clock; ``ended``: whether
    the sign-in of an id was ended before that."""

    def __init__(
        self, key: bytes, clock: Clock, minutes: float, ended: Callable[[str], bool] = lambda _: False
    ) -> None:
        self._key = key
        self._clock = clock
        self.seconds = int(minutes * 60)
        self.ended = ended

    def issue(self, principal: Principal) -> str:
        """A signed token for somebody who has proved who they are."""
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": _ISSUER,
            "sub": principal.user,
            "role": principal.role.value,
            "area": principal.area,
            "sid": principal.session,
            "iat": now,
            "exp": now + self.seconds,
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def read(self, token: str) -> Principal:
        """Who the token stands for; raises `NotAuthenticated` when it is forged, damaged, expired or ended."""
        return self.lasting(token)[0]

    def lasting(self, token: str) -> tuple[Principal, float]:
        """Who it stands for, and until when (seconds of Unix time); raises `NotAuthenticated`."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                # Expiry is checked below by the injected clock, not by the machine's.
                options={"require": ["sub", "exp", "iat"], "verify_exp": False, "verify_iat": False},
            )
            principal = Principal(claims["sub"], Role(claims["role"]), claims["area"], claims["sid"])
            expires = float(claims["exp"])
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError) as error:
            raise NotAuthenticated("the token is not valid; sign in at /api/v1/auth/token") from error
        if self._clock.now().timestamp() >= expires:
            raise NotAuthenticated("the token has expired; get another at /api/v1/auth/refresh")
        if self.ended(principal.session):
            raise NotAuthenticated("this sign-in was ended; sign in again at /api/v1/auth/token")
        return principal, expires
