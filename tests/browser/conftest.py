"""The running product, and operators at its console in real Chromium; see tests/support/browser.py."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.browser import Consoles, build_console, spare_address
from tests.support.instance import Instance


@pytest.fixture(scope="session")
def built() -> None:
    """The console's page, built from its sources, and an address for audio."""
    build_console()
    spare_address()


@pytest.fixture
async def center(tmp_path: Path, built: None) -> AsyncIterator[Instance]:
    """The whole product, with demo data; nobody is there yet."""
    async with Instance(tmp_path, wrap_up_seconds=1) as instance:
        yield instance


@pytest.fixture
async def console(center: Instance) -> AsyncIterator[Consoles]:
    """``await console("op1", voice=640)``: an operator at a page of their own."""
    async with Consoles.of(center) as consoles:
        yield consoles
