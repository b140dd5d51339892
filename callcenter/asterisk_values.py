"""What may stand in Asterisk's configuration: each value judged before it is rendered (R24, I3).

Everything here raises `InvalidInput` that names the setting at fault.
"""

import ipaddress
import re
from typing import Protocol

from callcenter.accounts.model import RESERVED_USERS
from callcenter.errors import InvalidInput
from callcenter.telephony.endpoints import is_web

_UNSAFE = re.compile(r"[\x00-\x1f\x7f;<>\"`\\]|\$\{")


class SeatAccount(Protocol):
    """A seat's phone. ``sip_ha1``: see `callcenter.accounts.passwords.sip_ha1`; ``role``: one of the account roles."""

    @property
    def user(self) -> str: ...

    @property
    def role(self) -> str: ...

    @property
    def sip_ha1(self) -> str: ...

    @property
    def phone_word(self) -> str: ...


def safe(name: str, value: str) -> str:
    """The value, if it can stand in a configuration file as what it is."""
    if _UNSAFE.search(value):
        raise InvalidInput(f"{name} holds a character that Asterisk's configuration does not take: {value!r}")
    return value


def checked_seat(seat: SeatAccount) -> SeatAccount:
    """The seat, if its name and password hash can stand there."""
    reserved = seat.user in RESERVED_USERS or is_web(seat.user)
    if reserved or not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", seat.user):
        raise InvalidInput(f"{seat.user!r} cannot be a seat's user name: use 1 to 32 of a-z, 0-9, '-' and '_'.")
    if not re.fullmatch(r"[0-9a-f]{32}", seat.sip_ha1):
        raise InvalidInput(f"The SIP password hash of seat {seat.user} is damaged: set a new password.")
    return seat


def checked_number(number: str) -> str:
    """The number, if it is one that can be dialled."""
    if not re.fullmatch(r"\+?[0-9]{2,20}", number):
        raise InvalidInput(f"CALLCENTER_DUTY_NUMBERS: {number!r} is not a phone number (digits, perhaps a leading +).")
    return number


def bracketed(address: str) -> str:
    """The address as it stands before a port: IPv6 in brackets."""
    try:
        return f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
    except ValueError as error:
        raise InvalidInput(f"CALLCENTER_BIND must be an IP address (got {address!r})") from error


def own_host(bind: str) -> str:
    """Where Asterisk reaches itself: its own address, or this machine's when that is "all of them"."""
    address = ipaddress.ip_address(bind)
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return bracketed(bind)


def networks(matches: str) -> list[str]:
    """The addresses and networks in a list with commas, each in its normal form."""
    found = []
    for match in filter(None, (part.strip() for part in matches.split(","))):
        try:
            found.append(str(ipaddress.ip_network(match, strict=False)))
        except ValueError as error:
            raise InvalidInput(
                f"CALLCENTER_TRUNK_MATCH must be addresses or networks such as 10.0.0.0/24 (got {match!r})"
            ) from error
    if not found:
        raise InvalidInput("CALLCENTER_TRUNK_MATCH must name the address that the trunk calls from.")
    return found


def host_and_port(uri: str) -> str:
    """Host and port of a SIP URI, e.g. ``127.0.0.1:5070``."""
    return uri.partition(":")[2].rpartition("@")[2].partition("?")[0]


def trunk_host(uri: str) -> str:
    """A trunk's host without its port; an IPv6 address without brackets."""
    found = re.fullmatch(r"(?:\[([^]]+)\]|([^:]*))(?::\d+)?", host_and_port(uri))
    if found is None:
        raise InvalidInput(f"a trunk's URI must be like sip:host:5060 (got {uri!r})")
    return str(found[1] or found[2])
