"""Has imports checked and applied by a process of its own, one at a time: the event loop never waits for it."""

import asyncio
import contextlib
import sys
from pathlib import Path

import msgspec
import structlog

from callcenter.errors import CallCenterError, Conflict, Forbidden, InvalidInput, NotFound, Unavailable
from callcenter.imports.work import Done, Order

log = structlog.get_logger(__name__)

SECONDS = 120.0
_ERRORS: dict[str, type[CallCenterError]] = {
    error.code: error for error in (Conflict, Forbidden, InvalidInput, NotFound)
}


class ImportDesk:
    """One for each application: one import at a time, the others wait for their turn."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def do(self, order: Order) -> Done:
        """What came of it; raises what the service raised, `Unavailable` when it was not done in time."""
        async with self._turn:
            answer = await self.ran(order)
        try:
            done = msgspec.json.decode(answer, type=Done)
        except msgspec.DecodeError:
            log.error("import_failed", apply=order.id is not None, rows=len(order.rows))
            raise Unavailable(
                "导入没有完成，什么也没有写入；请减少行数再试 / "
                "the import could not be done; nothing was written. Try again with fewer rows"
            ) from None
        if done.error:
            raise _ERRORS.get(done.error, Conflict)(done.text)
        return done

    async def ran(self, order: Order) -> bytes:
        """What the process said; nothing when it failed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "callcenter.imports.work"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            stderr=asyncio.subprocess.DEVNULL,  # a traceback could hold what is in the file (I1)
        )
        answer = b""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SECONDS):
                    answer, _ = await process.communicate(msgspec.json.encode(order))
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return answer if process.returncode == 0 else b""
