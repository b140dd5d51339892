"""Ports that nobody holds: what a test hands to the servers it starts."""

import random

from callcenter.ports import free_ports, is_taken

RTP_PORTS = 400
"""Size of a test server's RTP range: a hundred legs."""


def free_port() -> int:
    """One port of 127.0.0.1, free for UDP and TCP."""
    return free_ports(1)[0]


def free_rtp_range(size: int = RTP_PORTS) -> tuple[int, int]:
    """First and last port of a range below the kernel's own ephemeral ports, all free for UDP right now."""
    while True:
        start = random.randrange(10_000, 32_000 - size, 2)
        if not any(is_taken("127.0.0.1", port, udp=True) for port in range(start, start + size)):
            return start, start + size - 1
