"""The directory in memory: who calls, found in O(1) without the database (A4, A8, A10).

A snapshot is built once and never changes; `callcenter.people.keeper` replaces it. The structs hold
no cycles and are kept out of Python's garbage collector, or a big directory would stop the event
loop whenever it is walked.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime

import msgspec

from callcenter.emergency.model import Who
from callcenter.emergency.plan import DEFAULT_PLAN, Plan
from callcenter.location.fences import Fence
from callcenter.people.model import ContactRole
from callcenter.people.roster import OnCall, Shift, on_call
from callcenter.people.staff import Member
from callcenter.phone import normalise

# A doctor's or a cadre's number stands for many elders and identifies none; a relative's does.
_CALLING_ROLES = frozenset({ContactRole.FAMILY, ContactRole.GUARDIAN})
_DEVICE, _OWN_PHONE, _RELATIVE = range(3)  # the surer identification wins
_MOST_CANDIDATES = 20
_TALKING_DEVICES = frozenset({"pendant", "terminal", "mobile_terminal"})


class Contact(msgspec.Struct, frozen=True, gc=False):
    """A person to alert for an elder. ``role``: a value of `ContactRole`; ``phone`` in canonical form."""

    role: str
    name: str
    phone: str


class Device(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A device in an elder's home. ``kind``: a value of `DeviceKind`; ``number``: its caller id.

    ``test_until``: until when it is on test, None when it is not. ``heartbeat_seconds``: how often it is to be heard
    of at least, None when nobody expects it.
    """

    id: str
    kind: str
    number: str | None = None
    serial: str = ""
    test_until: datetime | None = None
    heartbeat_seconds: int | None = None

    @property
    def talks(self) -> bool:
        """Whether it can be called, and places a call itself when it is pressed."""
        return self.kind in _TALKING_DEVICES

    def on_test(self, now: datetime) -> bool:
        """Whether it is being tested; a test ends by itself (R26)."""
        return self.test_until is not None and now < self.test_until


class Elder(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the call path and the operator's screen need of an elder. Contacts are in order of position."""

    id: str
    code: str
    name: str
    phones: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    devices: tuple[Device, ...] = ()
    groups: tuple[str, ...] = ()
    sex: str | None = None
    birth_date: str | None = None
    area: str | None = None
    address: str | None = None
    door_code: str | None = None
    key_holder_name: str | None = None
    key_holder_phone: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    medical_notes: str | None = None
    plan_id: str | None = None
    active: bool = True
    fences: tuple[Fence, ...] = ()

    def contacts_in(self, role: str) -> tuple[Contact, ...]:
        """Contacts of one role, first to be tried first."""
        return tuple(contact for contact in self.contacts if contact.role == role)

    def number_of(self, device: Device | None) -> str:
        """Where to call her back about a device: the device itself when it talks, else her own phone; or empty."""
        own = device.number if device is not None and device.talks else None
        return own or next(iter(self.phones), "")


class Caller(msgspec.Struct, frozen=True):
    """Who a number stands for.

    ``elder``: None when several elders share the number: a human decides among ``candidates``
    (at most 20).
    ``device_id``: the device that called. ``contact``: the relative whose phone it is.
    """

    elder: Elder | None
    device_id: str | None = None
    contact: Contact | None = None
    candidates: tuple[Elder, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """True when a human has to decide which elder it is."""
        return self.elder is None


class _Claim(msgspec.Struct, frozen=True, gc=False):
    rank: int
    elder_id: str
    device_id: str | None = None
    contact: Contact | None = None


class Directory:
    """Elders and plans by id, claims by number. Building it is linear; every look-up is O(1)."""

    def __init__(
        self,
        elders: Iterable[Elder] = (),
        plans: Iterable[Plan] = (),
        shifts: Iterable[Shift] = (),
        staff: Iterable[Member] = (),
    ) -> None:
        self._shifts = tuple(shifts)
        self._staff = tuple(staff)
        self._on_call_at: datetime | None = None
        self._on_call: dict[str, tuple[OnCall, ...]] = {}
        self._elders = {elder.id: elder for elder in elders}
        self._served = Counter(elder.area or "" for elder in self._elders.values() if elder.active)
        self._plans = {plan.id: plan for plan in plans}
        self._plan_of_area = {plan.area: plan for plan in self._plans.values() if plan.area}
        self._claims: dict[str, tuple[_Claim, ...]] = {}
        self._by_code = {elder.code: elder.id for elder in self._elders.values()}
        self._devices: dict[str, tuple[str, Device]] = {}
        """By id and by serial: the elder's id, the device."""
        for elder in self._elders.values():
            for device in elder.devices:
                for name in (device.id, device.serial):
                    self._devices[name] = (elder.id, device)
                if device.number:
                    self._add(device.number, _Claim(_DEVICE, elder.id, device_id=device.id))
            for number in elder.phones:
                self._add(number, _Claim(_OWN_PHONE, elder.id))
            for contact in elder.contacts:
                if contact.role in _CALLING_ROLES:
                    self._add(contact.phone, _Claim(_RELATIVE, elder.id, contact=contact))

    def _add(self, number: str, claim: _Claim) -> None:
        """Keep the surest claims to a number, one for each elder."""
        held = self._claims.get(number, ())
        if not held or claim.rank < held[0].rank:
            self._claims[number] = (claim,)
        elif (
            claim.rank == held[0].rank
            and len(held) < _MOST_CANDIDATES
            and all(other.elder_id != claim.elder_id for other in held)
        ):
            self._claims[number] = (*held, claim)

    @property
    def elders(self) -> Mapping[str, Elder]:
        """All elders by id; do not change it."""
        return self._elders

    @property
    def plans(self) -> Mapping[str, Plan]:
        """All response plans by id; do not change it."""
        return self._plans

    @property
    def shifts(self) -> tuple[Shift, ...]:
        """The whole roster."""
        return self._shifts

    @property
    def staff(self) -> tuple[Member, ...]:
        """The register of care workers and managers."""
        return self._staff

    @property
    def served(self) -> Mapping[str, int]:
        """How many active elders there are, by area; empty: of none."""
        return self._served

    def on_call(self, at: datetime, area: str = "") -> tuple[OnCall, ...]:
        """Whose mobiles to ring at ``at`` for an incident of ``area``, in this order (A9).

        Worked out once a second: hundreds who wait ask several times in each (R21).
        """
        second = at.replace(microsecond=0)
        if second != self._on_call_at:
            self._on_call_at, self._on_call = second, {}
        if area not in self._on_call:
            self._on_call[area] = on_call(self._shifts, second, area)
        return self._on_call[area]

    def find_caller(self, raw_number: str | None) -> Caller | None:
        """Who calls from ``raw_number`` as the trunk sent it, or None for an unknown or withheld one."""
        number = normalise(raw_number)
        claims = self._claims.get(number, ()) if number else ()
        if not claims:
            return None
        first = claims[0]
        if len(claims) == 1:
            return Caller(self._elders[first.elder_id], first.device_id, first.contact)
        candidates = tuple(self._elders[claim.elder_id] for claim in claims)
        return Caller(None, contact=first.contact, candidates=candidates)

    def who(self, elder: Elder | None, caller: str, today: date, device_id: str | None = None) -> Who:
        """Who is in need, for an incident that opens ``today`` in Shanghai."""
        if elder is None:
            return Who(caller=caller, device_id=device_id)
        return Who(
            caller=caller,
            elder_id=elder.id,
            elder_name=elder.name,
            area=elder.area or "",
            age=_age(elder.birth_date, today),
            device_id=device_id,
        )

    def elder(self, id: str) -> Elder | None:
        """The elder of that id."""
        return self._elders.get(id)

    def area_of(self, id: str) -> str:
        """The area an elder belongs to; empty when she has none, or nobody has this id."""
        elder = self._elders.get(id)
        return (elder.area or "") if elder is not None else ""

    def elder_of_code(self, code: str) -> Elder | None:
        """The elder of that number in the register."""
        return self._elders.get(self._by_code.get(code, ""))

    def device(self, name: str) -> tuple[Elder, Device] | None:
        """The device of that id, serial or caller id, and whose it is; None when nobody has it, or several."""
        elder_id, device = self._devices.get(name, ("", None)) if name else ("", None)
        if device is None:
            caller = self.find_caller(name)
            if caller is None or caller.elder is None or caller.device_id is None:
                return None
            elder_id, device = self._devices[caller.device_id]
        return self._elders[elder_id], device

    def plan_for(self, elder: Elder | None) -> Plan:
        """The elder's own response plan, else her area's, else the default plan; a stranger's is the default."""
        own = self._plans.get(elder.plan_id) if elder and elder.plan_id else None
        plan = own or (self._plan_of_area.get(elder.area) if elder and elder.area else None)
        return plan or self._plans.get(DEFAULT_PLAN.id) or DEFAULT_PLAN


def _age(birth_date: str | None, today: date) -> int:
    """Whole years; 0 when the day of birth is unknown or in the future."""
    if birth_date is None:
        return 0
    born = date.fromisoformat(birth_date)
    return max(0, today.year - born.year - ((today.month, today.day) < (born.month, born.day)))
