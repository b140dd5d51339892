"""The supervisor's word for a process of ours that cannot speak for itself (R2, R27)."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import httpx

from callcenter.watchdog.dead_man import fail_url

ALARM_SECONDS, ALARM_TIMEOUT = 8.0, 5.0
"""After so long without an answer, whether it hangs or keeps dying, somebody outside is told."""


class Alarm:
    """What is said for a process of ours that cannot speak for itself (R2): a line, ``run/alarm`` for the doctor, and a
    word to the watch outside, which would otherwise only notice later that the pings have stopped.
    """

    def __init__(self, path: Path, deadman_url: str, say: Callable[[str], None]) -> None:
        self._path = path
        self._url = deadman_url
        self._say = say
        self._silent_since: float | None = None
        self._raised = False

    def probed(self, answered: bool, now: float) -> None:
        """Take in a probe; ``now`` in monotonic seconds."""
        if answered:
            self._silent_since = None
            if self._raised:
                self._raised = False
                self._path.unlink(missing_ok=True)
                self._say("callcenter answers again")
            return
        self._silent_since = self._silent_since or now
        if not self._raised and now - self._silent_since >= ALARM_SECONDS:
            self._raised = True
            self._raise()

    def _raise(self) -> None:
        sentence = f"callcenter has not answered for {ALARM_SECONDS:.0f} s: the dialplan's fallback takes the calls"
        self._say(f"! {sentence}")
        with contextlib.suppress(OSError):  # a full disk must not keep us from telling the watch outside
            self._path.write_text(f"{sentence}\n", "utf-8")
        if self._url:
            try:
                httpx.post(fail_url(self._url), content=sentence, timeout=ALARM_TIMEOUT, trust_env=False)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                self._say(f"! the watch outside cannot be told ({type(error).__name__})")
