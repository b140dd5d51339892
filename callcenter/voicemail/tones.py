"""Tones that nobody heard: the dialplan leaves the moment of each in the spool, in a file named after the call (A10).

Reads and deletes files, so it is asked in a thread; knows no calls.
"""

from datetime import UTC, datetime
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

SUFFIX = ".tone"
_LONGEST = 40
"""More bytes than a moment in seconds since the epoch has."""


def read_tones(spool: Path) -> dict[str, datetime]:
    """Call id to when its tone sounded (aware UTC); a file that holds no moment counts from when it was written."""
    found: dict[str, datetime] = {}
    for path in spool.glob(f"*{SUFFIX}"):
        try:
            text, written = path.read_bytes()[:_LONGEST].decode("ascii", "replace").strip(), path.stat().st_mtime
        except OSError as error:
            log.warning("tone_unreadable", problem=type(error).__name__)
            continue
        try:
            found[path.stem] = datetime.fromtimestamp(float(text), UTC)
        except (ValueError, OverflowError, OSError):
            found[path.stem] = datetime.fromtimestamp(written, UTC)
    return found


def forget_tone(spool: Path, call_id: str) -> bool:
    """Delete a tone; harmless when there is none. Whether there is none now."""
    try:
        (spool / f"{call_id}{SUFFIX}").unlink(missing_ok=True)
    except OSError as error:
        log.warning("tone_kept", call_id=call_id, problem=type(error).__name__)
        return False
    return True
