"""The web server of our process: loaded once the controller answers calls, for it takes longer than all else (R1)."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from callcenter.api.app import create_app
from callcenter.api.deps import Services
from callcenter.api.patience import PatientProtocol

KEEP_ALIVE_SECONDS = 75
"""An idle connection is the client's to close (proxies keep theirs for 60 s): what is sent in the moment in which we
close it is lost."""


class Web(uvicorn.Server):
    """The api and the console.

    uvicorn raises a caught signal again when it is done, which would end us before the journal is closed.
    """

    def __init__(self, services: Services) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(services),
                host=services.settings.web_address,
                port=services.settings.http_port,
                http=PatientProtocol,
                # Whoever writes X-Forwarded-For chooses the address that sign-ins are throttled and recorded by (I3):
                # only our own proxies may, and of what they send only the part that they wrote themselves counts.
                proxy_headers=bool(services.settings.trusted_proxies),
                forwarded_allow_ips=list(services.settings.trusted_proxies),
                log_config=None,
                access_log=False,
                lifespan="off",
                ws_max_size=65536,
                # A fact is made text once for all pages; compressing it for each would cost more than all the rest.
                ws_per_message_deflate=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=3,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        # A second signal does not wait for connections that will not end.
        self.force_exit = self.should_exit
        self.should_exit = True
