"""The role matrix: each role against each route, read off the application, so that no route is left out (I1, I3)."""

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from callcenter.accounts.permissions import PERMISSIONS, Permission, Role
from callcenter.api.app import ROUTERS
from callcenter.api.idempotency import IdempotentRoute, LiveIdempotentRoute
from callcenter.db import Database
from tests.api.conftest import Login

# Routes that ask for no permission: signing in and out, oneself, and what probes read.
OPEN = {
    "/api/v1/auth/token",
    "/api/v1/auth/refresh",
    "/api/v1/auth/logout",
    "/api/v1/auth/password",
    "/api/v1/auth/me",
    # Alarm sources show who they are by a token or a signature of their own.
    "/api/v1/alarms",
    "/api/v1/positions",
    "/api/v1/heartbeats",
    "/api/v1/requests",
    # What the page needs before anybody is signed in; no secrets.
    "/api/v1/console/config",
    # Anybody's, with a limit.
    "/api/v1/public/requests",
    # Providers' reports: signed, each in its own way.
    "/api/v1/messages/twilio/status",
    "/api/v1/messages/twilio/voice",
    "/api/v1/messages/gateway/report",
}
P = Permission
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
OURS = ("accounts", "elders", "devices", "response-plans", "audit", "webhooks", "alarm-sources")

# What each role may not do, written out by hand: the table in the code is checked against it.
FORBIDDEN = {
    Role.OPERATOR: {P.ACCOUNTS_READ, P.ACCOUNTS_WRITE, P.AUDIT_READ, P.WEBHOOKS_READ, P.WEBHOOKS_WRITE}
    | {
        P.ELDERS_IDENTITY,
        P.ELDERS_WRITE,
        P.DEVICES_WRITE,
        P.PLANS_WRITE,
        P.CALLS_MONITOR,
        P.SEATS_MANAGE,
        P.QUEUES_WRITE,
        P.EMERGENCIES_LEAD,
    }
    | {P.EVALUATIONS_READ, P.EVALUATIONS_WRITE, P.ORGANISATIONS_WRITE, P.STATISTICS_READ, P.ALARM_SOURCES_MANAGE}
    | {P.KNOWLEDGE_WRITE, P.STAFF_READ, P.STAFF_WRITE},
    Role.SUPERVISOR: {P.ACCOUNTS_WRITE, P.WEBHOOKS_READ, P.WEBHOOKS_WRITE, P.ALARM_SOURCES_MANAGE},
    Role.QA: {P.ACCOUNTS_READ, P.ACCOUNTS_WRITE, P.AUDIT_READ, P.WEBHOOKS_READ, P.WEBHOOKS_WRITE}
    | {P.ELDERS_IDENTITY, P.ELDERS_CARE, P.ELDERS_WRITE, P.DEVICES_WRITE, P.PLANS_WRITE, P.CALLS_MONITOR}
    | {P.QUEUES_WRITE}
    | {P.SEATS_MANAGE, P.CALLS_ACT, P.EMERGENCIES_ACT, P.EMERGENCIES_LEAD, P.ORGANISATIONS_WRITE, P.STATISTICS_READ}
    | {P.ALARM_SOURCES_MANAGE, P.ELDERS_REGISTER, P.INTAKE_WRITE, P.KNOWLEDGE_WRITE}
    | {P.WORK_ORDERS_WRITE, P.FOLLOW_UPS_WRITE, P.COMPLAINTS_WRITE, P.STAFF_READ, P.STAFF_WRITE},
    Role.STATION: {P.ACCOUNTS_READ, P.ACCOUNTS_WRITE, P.AUDIT_READ, P.WEBHOOKS_READ, P.WEBHOOKS_WRITE}
    | {P.ELDERS_IDENTITY, P.PLANS_WRITE, P.CALLS_MONITOR, P.SEATS_MANAGE, P.SEATS_OWN, P.CALLS_ACT}
    | {
        P.EMERGENCIES_ACT,
        P.EMERGENCIES_LEAD,
        P.QUEUES_WRITE,
        P.EVALUATIONS_READ,
        P.EVALUATIONS_WRITE,
        P.ORGANISATIONS_WRITE,
        P.RECORDINGS_LISTEN,
    }
    | {P.ALARM_SOURCES_MANAGE, P.KNOWLEDGE_WRITE},
    Role.ADMIN: set(),
}


@pytest.fixture
def database(migrated_sqlite: Database) -> Database:
    """What is tested here is the same on every database."""
    return migrated_sqlite


def _permissions(dependant: Dependant) -> set[Permission]:
    found = {getattr(dependant.call, "permission", None)} - {None}
    for inner in dependant.dependencies:
        found |= _permissions(inner)
    return found  # type: ignore[return-value]


@pytest.mark.parametrize("role", Role)
def test_given_the_table_of_roles_when_read_then_each_role_lacks_exactly_what_it_must(role: Role) -> None:
    assert set(Permission) - PERMISSIONS[role] == FORBIDDEN[role]


def test_given_every_route_when_read_then_it_asks_for_a_permission_or_is_known_to_be_open() -> None:
    silent = {route.path for route in ROUTES if not _permissions(route.dependant)}
    assert {path for path in silent - OPEN if path.startswith("/api/v1/")} == set()
    assert silent >= OPEN


def test_given_every_write_route_when_read_then_it_honours_idempotency_keys() -> None:
    # A browser's form sends no such key; its page answers with a redirection, so that reloading sends nothing.
    ours = [route for route in ROUTES if route.path.startswith("/api/")]
    writes = [route for route in ours if (route.methods or set()) & {"POST", "DELETE"}]
    deaf = {route.path for route in writes if not isinstance(route, (IdempotentRoute, LiveIdempotentRoute))}
    # Tokens must not be kept where answers are.
    assert deaf == {"/api/v1/auth/token", "/api/v1/auth/refresh", "/api/v1/auth/logout"}


@pytest.mark.parametrize("role", Role)
async def test_given_a_role_when_it_asks_each_route_then_403_exactly_where_the_table_says(
    app: FastAPI, as_role: Login, client: httpx.AsyncClient, role: Role
) -> None:
    someone = await as_role(role)
    for route in ROUTES:
        needed = _permissions(route.dependant)
        if not needed or route.path.split("/")[3] not in OURS:
            continue
        path = route.path.replace("{id}", "none")
        for method in route.methods or ():
            body: dict[str, str] | None = {} if method in ("POST", "PATCH", "PUT") else None
            answer = await someone.request(method, path, json=body)
            allowed = needed <= PERMISSIONS[role]
            assert (answer.status_code == 403) is not allowed, (method, path, answer.text)
            assert (await client.request(method, path, json=body)).status_code == 401
