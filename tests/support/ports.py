"""Ports that nobody holds: what a test hands to the servers it starts.

Below the kernel's ephemeral ports, where any connection's own end may lie by the time the server binds; each process of
a run that is split among several draws from a part of its own.
"""

import os
import random
from collections import deque

from callcenter.ports import is_taken

RTP_PORTS = 400
"""Size of a test server's RTP range: a hundred legs."""
SINGLE, RTP = (10_000, 18_000), (18_000, 32_000)
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_given: deque[int] = deque(maxlen=500)
"""Drawn lately: perhaps not bound yet."""


def _own(first: int, last: int) -> tuple[int, int]:
    share = (last - first) // _WORKERS & ~1
    return first + share * _WORKER, first + share * (_WORKER + 1)


def free_port() -> int:
    """One port of 127.0.0.1, free for UDP and TCP."""
    while True:
        port = random.randrange(*_own(*SINGLE))
        if port not in _given and not is_taken("127.0.0.1", port) and not is_taken("127.0.0.1", port, udp=True):
            _given.append(port)
            return port


def free_ports(count: int) -> list[int]:
    """So many of them, all different."""
    return [free_port() for _ in range(count)]


def free_rtp_range(size: int = RTP_PORTS) -> tuple[int, int]:
    """First (even) and last port of a range, all free for UDP right now."""
    first, last = _own(*RTP)
    while True:
        start = random.randrange(first, last - size, 2)
        if not any(is_taken("127.0.0.1", port, udp=True) for port in range(start, start + size)):
            return start, start + size - 1
