"""What every keeper of a configuration does: read it when told and every now and then, keep it on disk (A10)."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from callcenter.bus import Bus

log = structlog.get_logger(__name__)

EVERY_SECONDS = 30.0
DATABASE_SECONDS = 5.0


async def follow(bus: Bus, topic: str, look: Callable[[], Awaitable[None]], what: str) -> None:
    """Look at every hint on the topic, and every 30 s, until cancelled; survives every error of the database."""
    async with bus.subscribe([topic]) as hints:
        hint = asyncio.ensure_future(anext(hints))
        try:
            while True:
                try:
                    await look()
                except Exception as error:
                    log.warning(f"{what} not read; the last ones stay", problem=type(error).__name__)
                await asyncio.wait({hint}, timeout=EVERY_SECONDS)
                if hint.done():
                    hint = asyncio.ensure_future(anext(hints))
        finally:
            hint.cancel()


def write_whole(path: Path, content: bytes) -> None:
    """Put content in a file's place, mode 0600, old or new and never half. Raises `OSError`. Blocks."""
    draft = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
