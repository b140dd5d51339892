"""Fixtures of the wire tests."""

from collections.abc import AsyncIterator

import pytest

from tests.wire.fake_ami import FakeAmi


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAmi]:
    """A fake AMI server on a free port."""
    fake = FakeAmi()
    await fake.start()
    yield fake
    await fake.stop()
