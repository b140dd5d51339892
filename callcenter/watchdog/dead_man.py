"""The dead-man ping: somebody outside is told again and again that all is well, and alarms when that stops (R27).

Made for the well-known services: GET on the URL says "alive", POST on the URL with ``/fail`` says "not well".
It runs in the ladder's own event loop and asks whether the ladder's pulse has gone on: what stops one stops the other.
"""

import asyncio
from collections.abc import Callable

import httpx
import structlog

log = structlog.get_logger(__name__)

TIMEOUT_SECONDS = 10.0
"""For a whole ping: an answer that drips in for ever would end the pings, and nobody here would be told why."""


class DeadMan:
    """``beats``: how often the ladder's pulse has beaten. ``trouble``: why we are not well, empty when we are.
    ``well``: False keeps us silent: something is amiss and may yet pass, so it is neither told of nor denied.
    """

    patience = TIMEOUT_SECONDS

    def __init__(
        self,
        url: str,
        seconds: float,
        *,
        beats: Callable[[], int],
        trouble: Callable[[], str],
        well: Callable[[], bool],
    ) -> None:
        self._url = url
        self._seconds = seconds
        self._beats = beats
        self._trouble = trouble
        self._well = well
        self._counted = -1
        self.problem = ""
        """Why the last ping did not arrive; empty when it did."""

    async def run(self) -> None:
        """Ping until cancelled; nothing to do without a URL."""
        if not self._url:
            return
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=True, trust_env=False) as client:
            while True:
                await asyncio.sleep(self._seconds)
                await self.ping(client)

    async def ping(self, client: httpx.AsyncClient) -> None:
        """Say once that we live, or why we do not, or nothing."""
        beats = self._beats()
        trouble = "the ladder stands still" if beats == self._counted else self._trouble()
        self._counted = beats
        if not trouble and not self._well():
            return
        try:
            async with asyncio.timeout(self.patience):
                if trouble:
                    log.error("dead_man_not_well", trouble=trouble)
                    answer = await client.post(fail_url(self._url), content=trouble.encode())
                else:
                    answer = await client.get(self._url)
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # Not the URL itself: it is as good as a password.
            self.problem = type(error).__name__
            log.warning("dead_man_unheard", problem=self.problem)
        else:
            self.problem = ""


def fail_url(url: str) -> str:
    """Where the same service is told of a failure."""
    base, mark, query = url.partition("?")
    return f"{base.rstrip('/')}/fail{mark}{query}"
