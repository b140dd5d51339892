"""What each role may do: one table, least rights (I1, I3)."""

from enum import StrEnum

import msgspec

from callcenter.errors import Conflict, Forbidden


class Role(StrEnum):
    """Kinds of accounts; 话务员, 班长, 质检员, 站长, 管理员."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    QA = "qa"
    STATION = "station"
    ADMIN = "admin"


class Permission(StrEnum):
    """One right. ``elders:care`` shows door code and medical notes, ``elders:identity`` the whole identity number.

    ``elders:register``: quick create of a caller whom nobody knows, at the desk (B4).
    ``staff:read``, ``staff:write``: the register of care workers and managers (B3).
    ``emergencies:lead``: begin a drill, speak to everybody who waits.
    """

    CALLS_READ = "calls:read"
    CALLS_ACT = "calls:act"
    CALLS_MONITOR = "calls:monitor"
    EMERGENCIES_READ = "emergencies:read"
    EMERGENCIES_ACT = "emergencies:act"
    EMERGENCIES_LEAD = "emergencies:lead"
    QUEUES_READ = "queues:read"
    QUEUES_WRITE = "queues:write"
    SEATS_READ = "seats:read"
    SEATS_OWN = "seats:own"
    SEATS_MANAGE = "seats:manage"
    LIVE_READ = "live:read"
    ELDERS_READ = "elders:read"
    ELDERS_CARE = "elders:care"
    ELDERS_IDENTITY = "elders:identity"
    ELDERS_REGISTER = "elders:register"
    ELDERS_WRITE = "elders:write"
    DEVICES_READ = "devices:read"
    DEVICES_WRITE = "devices:write"
    PLANS_READ = "plans:read"
    PLANS_WRITE = "plans:write"
    RECORDINGS_READ = "recordings:read"
    RECORDINGS_LISTEN = "recordings:listen"
    WORK_ORDERS_READ = "work_orders:read"
    WORK_ORDERS_WRITE = "work_orders:write"
    FOLLOW_UPS_READ = "follow_ups:read"
    FOLLOW_UPS_WRITE = "follow_ups:write"
    INTAKE_READ = "intake:read"
    INTAKE_WRITE = "intake:write"
    KNOWLEDGE_READ = "knowledge:read"
    KNOWLEDGE_WRITE = "knowledge:write"
    COMPLAINTS_READ = "complaints:read"
    COMPLAINTS_WRITE = "complaints:write"
    EVALUATIONS_READ = "evaluations:read"
    EVALUATIONS_WRITE = "evaluations:write"
    ORGANISATIONS_READ = "organisations:read"
    ORGANISATIONS_WRITE = "organisations:write"
    STAFF_READ = "staff:read"
    STAFF_WRITE = "staff:write"
    STATISTICS_READ = "statistics:read"
    AUDIT_READ = "audit:read"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    ALARM_SOURCES_MANAGE = "alarm_sources:manage"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"


_P = Permission
_EVERYONE = frozenset(
    {_P.CALLS_READ, _P.EMERGENCIES_READ, _P.SEATS_READ, _P.LIVE_READ, _P.ELDERS_READ, _P.DEVICES_READ, _P.PLANS_READ}
) | {
    _P.QUEUES_READ,
    _P.RECORDINGS_READ,
    _P.WORK_ORDERS_READ,
    _P.FOLLOW_UPS_READ,
    _P.COMPLAINTS_READ,
    _P.ORGANISATIONS_READ,
    _P.INTAKE_READ,
    _P.KNOWLEDGE_READ,
}
_DESK = frozenset({_P.ELDERS_CARE, _P.WORK_ORDERS_WRITE, _P.FOLLOW_UPS_WRITE, _P.COMPLAINTS_WRITE}) | {
    _P.ELDERS_REGISTER,
    _P.INTAKE_WRITE,
}
_TALK = frozenset({_P.SEATS_OWN, _P.CALLS_ACT, _P.EMERGENCIES_ACT, _P.RECORDINGS_LISTEN})

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OPERATOR: _EVERYONE | _DESK | _TALK,
    Role.SUPERVISOR: frozenset(Permission)
    - {_P.ACCOUNTS_WRITE, _P.ALARM_SOURCES_MANAGE, _P.WEBHOOKS_READ, _P.WEBHOOKS_WRITE},
    Role.QA: _EVERYONE | {_P.SEATS_OWN, _P.RECORDINGS_LISTEN, _P.EVALUATIONS_READ, _P.EVALUATIONS_WRITE},
    Role.STATION: _EVERYONE
    | _DESK
    | {_P.ELDERS_WRITE, _P.DEVICES_WRITE, _P.STATISTICS_READ}
    | {_P.STAFF_READ, _P.STAFF_WRITE},
    Role.ADMIN: frozenset(Permission),
}


OF_ALL_AREAS = frozenset(
    {_P.AUDIT_READ, _P.ACCOUNTS_WRITE, _P.ALARM_SOURCES_MANAGE, _P.WEBHOOKS_READ, _P.WEBHOOKS_WRITE}
)
"""What knows no areas: whoever is bound to one would read of, or give themselves, the others by it."""


class Principal(msgspec.Struct, frozen=True):
    """Who asks. ``area``: sees only elders and devices of this area when set; ``session``: the sign-in's id."""

    user: str
    role: Role
    area: str | None = None
    session: str = ""

    def may(self, permission: Permission) -> bool:
        """True when the role holds the permission, and the account is not bound to an area where that knows none."""
        return permission in self.permissions

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that one may."""
        held = PERMISSIONS[self.role]
        return held if self.area is None else held - OF_ALL_AREAS

    def check_area(self, area: str | None, what: str) -> None:
        """Raises `Conflict` where the account is bound to another area than ``what``, e.g. ``an elder``, is of."""
        if self.area is not None and area != self.area:
            raise Conflict(
                f"you serve the area {self.area}; {what} of another one is not yours to write",
                reason="other_area",
                area=self.area,
            )

    def check(self, permission: Permission) -> None:
        """Raises `Forbidden` unless the role holds the permission."""
        if not self.may(permission) and permission in PERMISSIONS[self.role]:
            raise Forbidden(f"{permission} is of all areas, and this account is bound to one; ask who is bound to none")
        if not self.may(permission):
            raise Forbidden(f"role {self.role} may not do this; it needs the permission {permission}")
