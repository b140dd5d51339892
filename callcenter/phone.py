"""Phone numbers in the one form the trunk dials, whatever spelling a trunk, a form or a device sends (A8, R20)."""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

REGION = "CN"

# Every string of this shape has a canonical form, so a form that asks for it never refuses what it let through.
PHONE_PATTERN = r"^((\+|00)[1-9]([ -]?[0-9]){6,14}|[1-9]([ -]?[0-9]){1,18}|0[1-9]([ -]?[0-9]){3,12})$"

# What a person can be called at, as a stranger writes it: a mobile, a landline with its area code, or one abroad.
PERSON_PATTERN = r"^((\+|00)[1-9]([ -]?[0-9]){6,14}|1[3-9]([ -]?[0-9]){9}|0[1-9]([ -]?[0-9]){8,10})$"

_LONGEST_INPUT = 128
_LONGEST_NUMBER = 19  # of E.164's 15 digits none, but some terminals announce a serial number as caller id
_LONGEST_SHORT_CODE = 6  # 120, 12349, 95120, 955110: dialled as they are
_LONGEST_LOCAL = 8  # within one area
_SHAPES = re.compile(r"1[3-57-9][0-9]{9}|1[04][0-9]{11}")  # mobiles newer than the plan we know; SIM cards of devices
_EMERGENCY_SERVICE = re.compile(r"(0[0-9]{2,3})?(110|119|120|122)")
_COSTLY = re.compile(r"(0(10|2[0-9]|[3-9][0-9]{2}))?(16[08][0-9]{5,}|1259[0-9]{2,})|179[0-9]{2}00[0-9]+")
_SCHEMES = ("sip:", "sips:", "tel:")
_SPELLING = re.compile(r"\+?[0-9]+")
_SEPARATORS = str.maketrans("", "", " \t()[].-‐‑‒–—−/")


def normalise(raw: str | None) -> str | None:
    """The canonical form of a number, or None when there is none in it (withheld, empty, malformed).

    Chinese numbers become national digits as dialled (``13800000001``; a landline with its area code,
    ``051287654321``), foreign ones ``+`` and the E.164 digits, short codes stay (``120``, ``12349``).
    Well-formed digits that no numbering plan knows (13-digit IoT SIM cards, ITU-T E.164 supplement) stay
    as they are, because a device may announce itself with them. Idempotent; never raises.
    """
    return _normalise(raw) if raw and len(raw) <= _LONGEST_INPUT else None


def is_ordinary(number: str) -> bool:
    """Whether a canonical number may be dialled because somebody says so: none abroad, none that earns by being called.

    What no numbering plan knows is refused where it is longer than a local number (``17951`` is a carrier's prefix:
    whatever follows goes abroad), but for SIM cards of devices (13 digits).
    """
    if is_costly(number):
        return False
    parsed = _parse(number.lstrip("0"))
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return len(number) <= _LONGEST_LOCAL or _SHAPES.fullmatch(number) is not None
    return phonenumbers.number_type(parsed) != PhoneNumberType.PREMIUM_RATE


def is_costly(number: str) -> bool:
    """Whether calling a canonical number surely costs more than a call: abroad, also by a carrier's prefix (17951 00…),
    or a service that earns by being called (声讯台: 160, 168, 12590), also another city's."""
    return number.startswith("+") or _COSTLY.fullmatch(number) is not None


def is_emergency_service(number: str) -> bool:
    """Whether a canonical number is the police's, the fire brigade's or the ambulance's, of here or of another city."""
    return _EMERGENCY_SERVICE.fullmatch(number) is not None


@lru_cache(maxsize=65536)
def _normalise(raw: str) -> str | None:
    spelling = _address(unicodedata.normalize("NFKC", raw).strip()).translate(_SEPARATORS)
    if _SPELLING.fullmatch(spelling, endpos=64) is None or not spelling.isascii():
        return None
    if spelling.startswith("+"):
        return _international(spelling[1:])
    if spelling.startswith("00"):
        return _international(spelling[2:])
    return _national(spelling)


def _address(text: str) -> str:
    """The user part of a SIP or tel URI, with or without a display name (RFC 3261, RFC 3966); else the text."""
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1]
    scheme = next((s for s in _SCHEMES if text.lower().startswith(s)), None)
    if scheme is None:
        return text
    return unquote(re.split("[@;?]", text[len(scheme) :], maxsplit=1)[0])


def _international(digits: str) -> str | None:
    if not digits or digits[0] == "0":
        return None
    if digits.startswith("86") and (home := _national(digits[2:].lstrip("0"))):
        return home
    parsed = _parse("+" + digits)
    if parsed is not None and phonenumbers.is_valid_number(parsed):
        return str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164))
    return "+" + digits if 7 <= len(digits) <= 15 else None


def _national(digits: str) -> str | None:
    bare = digits.lstrip("0")
    if not 2 <= len(digits) <= _LONGEST_NUMBER or not bare:
        return None
    if len(digits) <= _LONGEST_SHORT_CODE:
        return digits
    parsed = _parse(bare)
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return digits
    significant = str(phonenumbers.national_significant_number(parsed))
    landline = phonenumbers.number_type(parsed) == PhoneNumberType.FIXED_LINE
    return "0" + significant if landline else significant


def _parse(number: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(number, REGION)
    except phonenumbers.NumberParseException:
        return None
