"""prism, which serves Twilio's OpenAPI file; ``python -m tests.support.twilio.prism`` installs it into the cache."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.ports import free_ports

HERE = Path(__file__).resolve().parent
_SCRIPT = Path("node_modules", "@stoplight", "prism-cli", "dist", "index.js")


def install() -> Path:
    """The folder that prism is installed in; it is made when it is not there yet."""
    base = os.environ.get("CALLCENTER_CACHE") or Path(
        os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "callcenter"
    )
    lock = (HERE / "package-lock.json").read_bytes()
    folder = Path(base) / f"prism-{hashlib.sha256(lock).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder / name)
            subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=folder,
                check=True,
                stdin=subprocess.DEVNULL,
            )
            (folder / ".complete").touch()
    return folder


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """A running prism; the URL that the Twilio client is pointed at."""
    folder = install()
    (port,) = free_ports(1)
    command = ["node", str(folder / _SCRIPT), "mock", "--host", "127.0.0.1", "--port", str(port), "--errors"]
    process = subprocess.Popen(
        [*command, str(HERE / "api_v2010.json")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, "prism ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < deadline, "prism does not listen"
        time.sleep(0.1)


if __name__ == "__main__":
    install()
