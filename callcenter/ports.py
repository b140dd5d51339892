"""Ports: which are free, and who holds one that is taken; addresses."""

import contextlib
import errno
import socket
from ipaddress import IPv6Address, ip_address
from pathlib import Path

LISTEN = "0A"
"""TCP_LISTEN in /proc/net/tcp (proc(5))."""


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody holds right now, neither for TCP nor for UDP."""
    ports: list[int] = []
    with contextlib.ExitStack() as held:
        while len(ports) < count:
            tcp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            tcp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                udp.bind(tcp.getsockname())
                ports.append(tcp.getsockname()[1])
    return ports


def own_address() -> str:
    """The address of this machine that packets for the world leave from; 127.0.0.1 when there is no way out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737); nothing is sent
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def is_taken(address: str, port: int, *, udp: bool = False) -> bool:
    """Whether somebody holds the port. Raises `OSError` when we could not have it for another reason."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as probe:
        if not udp:
            # As servers do: what an ended one left in TIME_WAIT does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            if not udp:
                probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise
    return False


def is_bound(port: int) -> bool:
    """Whether a UDP port is held on any address: looked up, for a try is in the way of who is about to bind it."""
    tables = [Path(f"/proc/net/{name}") for name in ("udp", "udp6")]
    lines = [line for table in tables if table.exists() for line in table.read_text("ascii").splitlines()[1:]]
    return any(int(line.split()[1].rpartition(":")[2], 16) == port for line in lines)


def holder(port: int) -> str:
    """Who listens on a port, e.g. ``asterisk (process 4711)``; empty when that cannot be seen (another user's)."""
    inodes = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if int(fields[1].rpartition(":")[2], 16) == port and (table[0] == "u" or fields[3] == LISTEN):
                    inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(handle.readlink()) in inodes for handle in (process / "fd").iterdir()):
                return f"{_name(process)} (process {process.name})"
    return ""


def _name(process: Path) -> str:
    """What runs, e.g. ``asterisk`` even where its own loader was started (``ld-linux… --library-path … asterisk``)."""
    words = (process / "cmdline").read_text("utf-8", "replace").split("\0")
    if Path(words[0]).name.startswith("ld-linux") and len(words) > 3:
        return Path(words[3]).name
    return (process / "comm").read_text("utf-8").strip()


def network_of(address: str) -> str:
    """By what a peer is counted who may send so much and no more: one home has a whole /64 of IPv6 addresses.

    An IPv4 address that a socket for both shows as IPv6 is itself. What is no address is as it is.
    """
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or f"{int(known) >> 64:016x}/64")
