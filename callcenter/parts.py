"""What a process runs beside each other: its parts, each started again whenever it ends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

RESTART_SECONDS = 1.0

Part = Callable[[], Coroutine[Any, Any, None]]


async def for_ever(name: str, part: Part) -> None:
    """Run a part again whenever it ends: no part's crash takes another with it."""
    while True:
        try:
            await part()
            log.error("part_ended", part=name)
        except Exception:
            log.exception("part_failed", part=name)
        await asyncio.sleep(RESTART_SECONDS)
