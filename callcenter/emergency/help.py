"""Whom a wish for help means: the ambulance, contacts in the order of the elder's file, our own people outside, or a
number by hand (A2, A3)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from callcenter.calls.model import Role
from callcenter.emergency.kinds import Candidate, Drill
from callcenter.emergency.model import Incident
from callcenter.emergency.plan import Target
from callcenter.errors import InvalidInput
from callcenter.phone import is_costly, normalise

HELP_ROLES = (
    *(Role.AMBULANCE, Role.FAMILY, Role.DOCTOR, Role.SOCIAL_WORKER, Role.COMMUNITY),
    *(Role.GUARDIAN, Role.GROUP_LEADER, Role.VILLAGE_CADRE, Role.NUMBER),
)
_SERVICE = re.compile(r"1[0-9]{2}|1[0-9]{4}|9[56][0-9]{3,4}")
"""Public services: 120, 12345, 95120, 955110."""
SHORT_NUMBER = 5
"""Digits up to which a number is a public service's (110, 119, 12345): it answers for itself and presses no key."""

ROLE_OF = {
    Target.DUTY: Role.DUTY,
    Target.NEXT_CENTER: Role.CENTER,
    Target.FAMILY: Role.FAMILY,
    Target.ALL_FAMILY: Role.FAMILY,
    Target.GUARDIAN: Role.GUARDIAN,
    Target.GROUP_LEADER: Role.GROUP_LEADER,
    Target.VILLAGE_CADRE: Role.VILLAGE_CADRE,
    Target.DOCTOR: Role.DOCTOR,
    Target.SOCIAL_WORKER: Role.SOCIAL_WORKER,
    Target.COMMUNITY: Role.COMMUNITY,
    Target.AMBULANCE: Role.AMBULANCE,
}
"""The role of whom a plan's target means outside; targets that are seats are not in it."""
IN_ORDER = frozenset({Target.FAMILY})
"""Targets of which one is called after the other; all others ring at once."""


class Person(Protocol):
    """Somebody to call for an elder; ``phone`` in canonical form."""

    @property
    def name(self) -> str: ...
    @property
    def phone(self) -> str: ...


class HasNumber(Protocol):
    """A device that may have a number of its own."""

    @property
    def number(self) -> str | None: ...


class File(Protocol):
    """An elder's file, as far as the ladder needs it."""

    @property
    def phones(self) -> Sequence[str]: ...
    @property
    def devices(self) -> Sequence[HasNumber]: ...
    @property
    def address(self) -> str | None: ...
    @property
    def door_code(self) -> str | None: ...
    @property
    def key_holder_name(self) -> str | None: ...
    @property
    def key_holder_phone(self) -> str | None: ...
    @property
    def medical_notes(self) -> str | None: ...
    @property
    def latitude(self) -> float | None: ...
    @property
    def longitude(self) -> float | None: ...

    def contacts_in(self, role: str) -> Sequence[Person]:
        """Contacts of a role, in the order in which to call them."""


class People(Protocol):
    """The directory, as far as the ladder needs it."""

    def elder(self, id: str) -> File | None:
        """The elder of that id."""

    def on_call(self, at: datetime, area: str = "") -> Sequence[Person]:
        """Who is on call at a moment, by the roster."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Who is called by number. ``shown``: the number we show; ``routes``: names of trunks, the first first."""

    ambulance: str
    duty: tuple[str, ...]
    shown: str
    next_center: tuple[str, ...] = ()
    ambulance_sms: str = ""
    routes: tuple[str, ...] = ("trunk",)


def file_of(incident: Incident, people: People) -> File | None:
    """The file of whom an incident is about; None while that is not known."""
    return people.elder(incident.elder_id) if incident.elder_id else None


def contacts(role: str, file: File | None) -> list[Candidate]:
    """The elder's people of a role, each number once; a guardian is family too, called after the relatives."""
    people = [*file.contacts_in(role)] if file else []
    if role == Role.FAMILY and file:
        people += file.contacts_in("guardian")
    return list({person.phone: Candidate(person.phone, person.name) for person in reversed(people)}.values())[::-1]


def asked_for(
    role: str, number: str | None, file: File | None, ambulance: str, drill: Drill | None = None
) -> list[Candidate]:
    """Whom a human's request means, in a drill who stands in for them; raises `InvalidInput` that names the remedy."""
    found = _asked_for(role, number, file, ambulance)
    if drill is not None and not (found := standing_in(found, drill, role)):
        raise InvalidInput(f"this is a drill, and nobody stands in for {role}; name a number for it at its start")
    return found


def _asked_for(role: str, number: str | None, file: File | None, ambulance: str) -> list[Candidate]:
    if role not in HELP_ROLES:
        raise InvalidInput(f"role must be one of {', '.join(HELP_ROLES)}, not {role!r}")
    if number is not None:
        canonical = normalise(number)
        if canonical is None:
            raise InvalidInput(f"{number!r} is not a phone number that can be dialled")
        if is_costly(canonical):
            # Whoever steals one operator's sign-in must not be able to spend the centre's money.
            raise InvalidInput(
                "numbers abroad, and services that earn by being called, are only dialled from the elder's file; "
                "add it there as a contact"
            )
        return [Candidate(canonical)]
    if role == Role.AMBULANCE:
        return [Candidate(ambulance)]
    if role == Role.NUMBER:
        raise InvalidInput("role 'number' needs the field 'number'")
    people = contacts(role, file)
    if not people:
        raise InvalidInput(f"no {role} is in the elder's file; give the field 'number'")
    return people


def standing_in(candidates: Sequence[Candidate], drill: Drill, role: str) -> list[Candidate]:
    """Who stands in for a role in a drill; nobody when nobody is named, however many are known (A6)."""
    number = drill.numbers.get(role)
    return [Candidate(number, candidates[0].name if candidates else "")] if number else []


def to_brief(incident: Incident, role: str, number: str | None, file: File | None, numbers: Numbers) -> list[Candidate]:
    """Who is texted the briefing: as `asked_for`, but 120 where it takes texts."""
    found = asked_for(role, number, file, numbers.ambulance_sms, incident.drill)
    if not all(candidate.number for candidate in found):
        raise InvalidInput("no number for texts to 120 is set; give the field 'number'")
    return found


def planned_for(target: str, file: File | None, numbers: Numbers, on_call: Sequence[Person]) -> list[Candidate]:
    """Whom a plan's target means outside; nobody when nobody is known."""
    match target:
        case Target.DUTY:
            duty = {person.phone: Candidate(person.phone, person.name) for person in on_call}
            return list(({number: Candidate(number) for number in numbers.duty} | duty).values())
        case Target.NEXT_CENTER:
            return [Candidate(number) for number in numbers.next_center]
        case Target.AMBULANCE:
            return [Candidate(numbers.ambulance)]
        case _:
            role = ROLE_OF.get(Target(target)) if target in set(Target) else None
            return contacts(role, file) if role is not None else []


def must_press_a_key(role: str, number: str) -> bool:
    """Whether a phone outside accepts by key 1: everybody but 120 and public services (R15)."""
    return role != Role.AMBULANCE and not (role == Role.NUMBER and len(number) <= SHORT_NUMBER)


def numbers_of(incident: Incident, file: File | None) -> list[str]:
    """Where the elder herself can be called, in order: where she called from, her phones, her devices (A8)."""
    if incident.drill is not None:
        return [number] if (number := incident.drill.numbers.get(Role.ELDER)) else []
    known = [*file.phones, *(device.number for device in file.devices if device.number)] if file else []
    people = (
        [person.phone for role in (Role.FAMILY, Role.GUARDIAN) for person in file.contacts_in(role)] if file else []
    )
    first = [incident.caller] if incident.caller in (*known, *people) or _is_a_home(incident.caller) else []
    return list(dict.fromkeys((*first, *known)))


def _is_a_home(number: str) -> bool:
    """Whether a number that nobody has on file may be called back by the machine.

    What a caller shows is easily forged: a number abroad that earns by being called, or 120's own. Only a human
    decides to call those.
    """
    return bool(number) and not is_costly(number) and _SERVICE.fullmatch(number) is None
