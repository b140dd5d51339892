"""Passwords of the phones in browsers: derived from a secret of this installation, so that none is stored anywhere.

The page asks for it after each sign-in and forgets it. A seat's changes with either of its account's passwords;
removing the file ``secrets/web-phones.key`` changes all of them at the next rendering of Asterisk's configuration.
"""

import base64
import hashlib
import hmac
import secrets

from callcenter.accounts.passwords import sip_ha1
from callcenter.accounts.secrets import KEY_BYTES, secrets_dir, write_once
from callcenter.clock import Clock
from callcenter.settings import Settings
from callcenter.telephony.endpoints import web_endpoint

TURN_HOURS = 12
"""How long a TURN server takes a password that it was told of by its secret: as long as a shift."""


def web_phone_key(settings: Settings) -> bytes:
    """The secret behind all of them; made at the first call."""
    path = secrets_dir(settings) / "web-phones.key"
    if not path.exists():
        write_once(path, secrets.token_bytes(KEY_BYTES))
    return path.read_bytes()


def web_phone_password(settings: Settings, seat: str, word: str) -> str:
    """The SIP password of a seat's phone in the browser: 256 bits of HMAC (RFC 2104). ``word``: its account's."""
    digest = hmac.digest(web_phone_key(settings), f"{web_endpoint(seat)}:{word}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def web_phone_ha1(settings: Settings, seat: str, word: str) -> str:
    """What Asterisk is told of it."""
    return sip_ha1(web_endpoint(seat), web_phone_password(settings, seat, word))


def turn_credentials(settings: Settings, clock: Clock, seat: str) -> tuple[str, str]:
    """User name and password for the TURN servers, good for a shift (draft-uberti-behave-turn-rest-00 §2.2)."""
    until = int(clock.now().timestamp()) + TURN_HOURS * 3600
    user = f"{until}:{web_endpoint(seat)}"
    # SHA-1 is what that draft, and every TURN server, asks for; as an HMAC it is sound.
    digest = hmac.digest(settings.turn_secret.encode(), user.encode(), hashlib.sha1)
    return user, base64.b64encode(digest).decode()
