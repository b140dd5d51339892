"""Whom a wish for help means: the ambulance, a contact in the order of the elder's file, or a number by hand (A2)."""

from collections.abc import Sequence
from typing import Protocol

from callcenter.calls.model import Leg, Role
from callcenter.errors import InvalidInput
from callcenter.phone import normalise

HELP_ROLES = (Role.AMBULANCE, Role.FAMILY, Role.DOCTOR, Role.SOCIAL_WORKER, Role.COMMUNITY, Role.NUMBER)


class Person(Protocol):
    """Somebody to call for an elder; ``phone`` in canonical form."""

    @property
    def name(self) -> str: ...
    @property
    def phone(self) -> str: ...


class File(Protocol):
    """An elder's file, as far as the ladder needs it."""

    def contacts_in(self, role: str) -> Sequence[Person]:
        """Contacts of a role, in the order in which to call them."""


class People(Protocol):
    """The directory, as far as the ladder needs it."""

    def elder(self, id: str) -> File | None:
        """The elder of that id."""


def whom(
    role: str, number: str | None, file: File | None, legs: Sequence[Leg], ambulance: str
) -> tuple[str, Person | None]:
    """The number to dial for a role, and the contact it belongs to.

    ``legs``: everybody who was called for the incident so far. Raises `InvalidInput` that names the remedy.
    """
    if role not in HELP_ROLES:
        raise InvalidInput(f"role must be one of {', '.join(HELP_ROLES)}, not {role!r}")
    if number is not None:
        canonical = normalise(number)
        if canonical is None:
            raise InvalidInput(f"{number!r} is not a phone number that can be dialled")
        return canonical, None
    if role == Role.AMBULANCE:
        return ambulance, None
    if role == Role.NUMBER:
        raise InvalidInput("role 'number' needs the field 'number'")
    contacts = [*file.contacts_in(role)] if file else []
    if role == Role.FAMILY and file:
        contacts += file.contacts_in("guardian")
    if not contacts:
        raise InvalidInput(f"no {role} is in the elder's file; give the field 'number'")
    # Relatives are called in order: whoever was tried already comes after those who were not (A2).
    tried = [leg.number for leg in legs if leg.role == role and not leg.live]
    contact = min(contacts, key=lambda one: tried.count(one.phone))
    return contact.phone, contact
