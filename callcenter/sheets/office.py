"""Has spreadsheets read and written by a process of its own, with a deadline: the event loop never waits for it."""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from callcenter.errors import InvalidInput, Unavailable
from callcenter.sheets.apart import Order, Read
from callcenter.sheets.reading import Rows
from callcenter.sheets.writing import Cell

log = structlog.get_logger(__name__)

SECONDS = 60.0


class Office:
    """One for each application: ``at_once`` processes at most, the others wait for their turn."""

    def __init__(self, at_once: int = 1) -> None:
        self._turn = asyncio.Semaphore(at_once)

    async def xlsx(
        self, title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]], notes: Sequence[str] = ()
    ) -> bytes:
        """The file; raises `Unavailable` when it is not made in time."""
        order = Order(do="write", title=title, header=list(header), notes=list(notes))
        content = await asyncio.to_thread(msgspec.json.encode, rows)
        made = await self._done(order, content)
        if not made.startswith(b"PK"):
            raise Unavailable("the spreadsheet could not be made; try again with fewer rows")
        return made

    async def read(self, content: bytes) -> Rows:
        """The rows of an uploaded file; raises `InvalidInput` with what is wrong."""
        answer = await self._done(Order(do="read"), content)
        try:
            found = msgspec.json.decode(answer, type=Read)
        except msgspec.DecodeError as error:
            raise InvalidInput(
                "文件无法读取，请用 Excel 或 WPS 重新保存 / the file cannot be read; save it again"
            ) from error
        if found.problem:
            raise InvalidInput(found.problem)
        return found.rows

    async def _done(self, order: Order, content: bytes) -> bytes:
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "callcenter.sheets.apart"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=Path(__file__).parents[2],
                stderr=asyncio.subprocess.DEVNULL,  # a traceback could hold what is in the file (I1)
            )
            answer = b""
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SECONDS):
                        answer, _ = await process.communicate(msgspec.json.encode(order) + b"\n" + content)
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        if process.returncode != 0:
            log.error("spreadsheet_failed", status=process.returncode, bytes=len(content), order=order.do)
            return b""
        return answer
