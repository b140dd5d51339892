"""What a phone outside hears before it may accept, in words made from recorded pieces: who, where, what (A2)."""

import re
from collections.abc import Iterator

from callcenter.calls.model import Role
from callcenter.emergency.kinds import Kind
from callcenter.emergency.model import Incident

ACCEPT = "press-1-to-accept"

_KINDS: dict[str, str] = {kind: f"kind-{kind}" for kind in Kind}
_PLACES = (
    (re.compile(r"(\d{1,4})\s*(?:幢|栋|号楼|座)"), "building"),
    (re.compile(r"(\d{1,2})\s*单元"), "unit"),
    (re.compile(r"(\d{1,5})\s*室"), "room"),
)


def words(incident: Incident, role: str, address: str | None) -> list[str]:
    """The names of the prompts (asterisk/sounds/zh) for one leg.

    ``address``: the registered address; only its building, unit and room can be said in recorded pieces.
    """
    said = ["drill"] if incident.drill is not None else []
    if role == Role.AMBULANCE:
        return [*said, "ambulance-here"]
    place = list(_place(address or "")) or list(_tail(incident.caller))
    if place:
        said += ["emergency-from", *place]
    return [*said, _KINDS.get(incident.kind, _KINDS[Kind.OTHER])]


def _place(address: str) -> Iterator[str]:
    for pattern, prompt in _PLACES:
        found = pattern.search(address)
        if found:
            yield from digits(found[1])
            yield prompt


def _tail(number: str) -> Iterator[str]:
    if len(number) >= 4 and number[-4:].isdigit():
        yield "caller-number-ends"
        yield from digits(number[-4:])


def digits(number: str) -> list[str]:
    """A number digit by digit, as house and phone numbers are read out: 1 is 幺."""
    return ["digit-1-tel" if digit == "1" else f"digit-{digit}" for digit in number]
