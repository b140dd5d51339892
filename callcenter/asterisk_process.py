"""One running Asterisk: started in a session of its own, asked over its control socket, ended by its id."""

import contextlib
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

from callcenter.asterisk_runtime import AsteriskRuntime
from callcenter.errors import Unavailable

BOOT_SECONDS = 30.0
MAX_FILES = 65_536


class AsteriskProcess:
    """An Asterisk on a rendered configuration; ``etc`` is the folder that holds its asterisk.conf.

    It outlives whoever started it: nothing here ends it but `stop`.
    """

    def __init__(self, runtime: AsteriskRuntime, etc: Path, output: Path) -> None:
        self.runtime = runtime
        self.etc = etc
        self.output = output
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start it; it is not ready before `wait_booted` returns."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [*self.runtime.command, "-C", str(self.etc / "asterisk.conf"), "-f"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "LANG": "C.UTF-8", "TZ": "UTC"},
            )
        _raise_file_limit(self.process.pid)
        return self.process

    def cli(self, command: str, timeout: float = 10.0) -> str:
        """What Asterisk answers to a CLI command. Raises `Unavailable` when it does not answer in time."""
        try:
            done = subprocess.run(
                [*self.runtime.command, "-C", str(self.etc / "asterisk.conf"), "-rx", command],
                capture_output=True,
                timeout=timeout,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"Asterisk did not answer within {timeout:g} s.") from error
        if done.returncode:
            raise Unavailable("Asterisk is not running.")
        return done.stdout.decode("utf-8", "replace")

    def wait_booted(self, seconds: float = BOOT_SECONDS) -> None:
        """Return when every module is up. Raises `Unavailable` with the end of its output when it will not be."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process is not None and self.process.poll() is not None:
                raise Unavailable(f"Asterisk ended while starting: {self.last_words()}")
            with contextlib.suppress(Unavailable):
                # It answers before it is done; this command returns only when it is.
                if "fully booted" in self.cli("core waitfullybooted", timeout=max(1.0, deadline - time.monotonic())):
                    return
            time.sleep(0.02)
        raise Unavailable(f"Asterisk was not ready after {seconds:g} s: {self.last_words()}")

    def stop(self, seconds: float = 5.0) -> None:
        """End the process that `start` started: politely, then not."""
        if self.process is None or self.process.poll() is not None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            self.process.send_signal(sign)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return

    def last_words(self) -> str:
        """The last line of its output that says something."""
        lines = self.output.read_text("utf-8", "replace").splitlines() if self.output.exists() else []
        spoken = [line.strip() for line in lines if line.strip() and set(line.strip()) != {"="}]
        return spoken[-1] if spoken else "it said nothing"


def _raise_file_limit(pid: int) -> None:
    # Each call takes about ten descriptors: the usual soft limit of 1,024 would end at a hundred calls. More than
    # this would hurt: Asterisk walks over all that are allowed whenever it starts a script.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(hard, MAX_FILES), hard))
