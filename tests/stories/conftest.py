"""One running product for each story."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.instance import Instance


@pytest.fixture
async def center(tmp_path: Path) -> AsyncIterator[Instance]:
    # A story holds at whatever hour it is told.
    async with Instance(tmp_path, wrap_up_seconds=1, callback_quiet_hours="") as instance:
        yield instance
