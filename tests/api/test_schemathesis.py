"""Every route against its own description: Schemathesis sends what the OpenAPI document allows and forbids."""

import asyncio
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Principal, Role
from callcenter.api.app import create_app
from callcenter.api.deps import build_services
from callcenter.api.idempotency import KEY_PATTERN
from callcenter.bus import LocalBus
from callcenter.clock import SystemClock
from callcenter.db import Database
from callcenter.demo import load_demo
from callcenter.ids import new_id
from callcenter.migrations import upgrade
from callcenter.settings import load_settings
from tests.support.ports import free_port
from tests.support.sipp import until

EXAMPLES = 6
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "412", "429", "5xx"]

CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # No controller runs in this process: acts on calls answer 503, as they are described to.
            "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
            # Whether an ETag is the present one no description can tell.
            "positive_data_acceptance": {"expected-statuses": ACCEPTED},
        },
        # Steps in order of time, when a shift is, a period that ends after it begins, a file that is
        # a spreadsheet or a sound, a number that costs nothing special: no JSON Schema can say that.
        "operations": [
            {
                "include-path-regex": "^/api/v1/(response-plans|roster|staff|statistics|imports|prompts|queues)",
                "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "422"]}},
            }
        ],
    }
)


class _Server(threading.Thread):
    """The application on a real port, in an event loop of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.port = free_port()
        self._folder = folder
        self.token = ""
        self._server: uvicorn.Server | None = None
        self._ready = threading.Event()

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        product = load_settings(data=self._folder, _env_file=None)
        database = Database(product.database)
        passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        services = replace(build_services(product, SystemClock(), database, LocalBus()), passwords=passwords)
        await load_demo(database, product, services.clock, passwords)
        self.token = services.tokens.issue(Principal("admin", Role.ADMIN))
        server = uvicorn.Server(
            uvicorn.Config(create_app(services), host="127.0.0.1", port=self.port, log_level="error", ws="none")
        )
        self._server = server
        serving = asyncio.create_task(server.serve())
        await until(lambda: server.started, seconds=30)
        self._ready.set()
        await serving
        await database.close()

    def wait(self) -> None:
        assert self._ready.wait(60)

    def stop(self) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self.join(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Server]:
    folder = tmp_path_factory.mktemp("schemathesis")
    upgrade(load_settings(data=folder, _env_file=None).database)
    made = _Server(folder)
    made.start()
    made.wait()
    yield made
    made.stop()


# The description does not depend on the services, so that each operation is a test of its own from the start.
schema = schemathesis.openapi.from_dict(create_app(None).openapi(), config=CONFIG)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_given_any_request_when_sent_then_the_answer_is_as_described(
    case: schemathesis.Case[Any], server: _Server
) -> None:
    if re.fullmatch(KEY_PATTERN, str(case.headers.get("Idempotency-Key", ""))):
        # A good key, but one that other examples may have used for other requests.
        case.headers["Idempotency-Key"] = new_id()
    case.call_and_validate(
        base_url=f"http://127.0.0.1:{server.port}", headers={"Authorization": f"Bearer {server.token}"}
    )
