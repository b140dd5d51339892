"""Fixtures of the fault suite: a running product a module, and the counts of each test."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict

import pytest
import pytest_asyncio

from tests.conftest import TALLY, tallies
from tests.faults.center import Center
from tests.faults.table import FAILURES, Tally


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop a module, since one product runs for all of a module's tests."""
    for item in items:
        if "/faults/" in item.path.as_posix() and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """True when the suite runs by ``--faults``: repetitions and outages at their full length."""
    return bool(request.config.getoption("--faults"))


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """The counts of this test, for the failure mode of its ``fault`` marker; they have to add up."""
    marker = request.node.get_closest_marker("fault")
    assert marker is not None, "say which failure mode it is: @pytest.mark.fault('R1')"
    (number,) = marker.args
    assert number in FAILURES
    made = Tally(number)
    request.node.stash[tallies] = [made]
    yield made
    # A try before this one has left its own.
    request.node.user_properties[:] = [one for one in request.node.user_properties if one[0] != TALLY]
    request.node.user_properties.append((TALLY, asdict(made)))
    assert made.good or not made.passed, f"a test that passed and did not count right: {made}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    """The product of this module, on the settings of a first start; a module may bring its own."""
    async with Center(tmp_path_factory.mktemp("center")) as center:
        yield center


@pytest_asyncio.fixture(loop_scope="module")
async def center(running: Center) -> AsyncIterator[Center]:
    """The running product, at rest: nobody calls, no phone is on; a witness listens."""
    await running.witness.listen()
    yield running
    await running.clear()
