"""Has documents drawn by a process of its own, one at a time, with a deadline: the event loop never waits for it."""

import asyncio
import contextlib
import sys
from pathlib import Path

import structlog

from callcenter.reports.document import ReportFailed

log = structlog.get_logger(__name__)

SECONDS = 90.0
"""A thousand facts take less than three; but the process is nice to calls, and waits while they need the machine."""


class Drawing:
    """Draws PDFs. One for each application: ``at_once`` processes at most, the others wait their turn."""

    def __init__(self, at_once: int = 1) -> None:
        self._turn = asyncio.Semaphore(at_once)

    async def pdf(self, content: bytes) -> bytes:
        """The PDF of an encoded `Document`; raises `ReportFailed` when it cannot be drawn in time."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "callcenter.reports.pdf"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=Path(__file__).parents[2],  # where this package is found, wherever the product was started
                stderr=asyncio.subprocess.DEVNULL,  # a traceback could hold what is in the report (I1)
            )
            try:
                async with asyncio.timeout(SECONDS):
                    drawn, _ = await process.communicate(content)
            except TimeoutError:
                drawn = b""
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        if process.returncode != 0 or not drawn.startswith(b"%PDF-"):
            log.error("report not drawn", status=process.returncode, bytes=len(content))
            raise ReportFailed("the report could not be drawn; try again, and tell an administrator if it fails again")
        return drawn
