"""Takes in the calls that the fallback left in the spool, so that each is in the record once (A10, R1)."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog

from callcenter.fallback.spool_call import folders
from callcenter.ids import derived_id

log = structlog.get_logger(__name__)

_CALL_ID = re.compile(r"[0-9A-Za-z-]{1,36}")
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class _Event(msgspec.Struct):
    """One spool file; all values are text, as Asterisk gave them."""

    uniqueid: str
    event: str
    line: str
    did: str
    start: str
    written: float
    caller: str = ""
    recording: str = ""
    call: str = ""
    dial_status: str = ""
    answered_by: str = ""
    answered_seconds: str = ""


_decoder = msgspec.json.Decoder(_Event, strict=False)


@dataclass(frozen=True, slots=True)
class SpooledCall:
    """A call that the fallback took.

    ``call_id``: the id the controller had given it before it fell silent, else one derived from start,
    node and channel: the same however often it is taken in. ``caller``: as the trunk sent it, empty when
    withheld. ``started_at``: aware UTC. ``recording``: path without extension, as the dialplan named it.
    ``ended_at``: None while it goes on. ``answered_by``: the peer that answered, empty when nobody did;
    ``talk_seconds``: how long they talked.
    """

    call_id: str
    known: bool
    uniqueid: str
    line: str
    did: str
    caller: str
    started_at: datetime
    recording: str
    ended_at: datetime | None
    dial_status: str
    answered_by: str
    talk_seconds: float
    files: tuple[Path, ...]


def read_spool(spool: Path, node: str) -> list[SpooledCall]:
    """All calls in the spool, oldest first; a file that cannot be read is moved to ``damaged/``."""
    events: dict[str, list[tuple[_Event, Path]]] = {}
    for folder in map(Path, folders(str(spool))):
        for path in _files(folder):
            try:
                event = _decoder.decode(path.read_bytes())
                _call([(event, path)], node)
            except FileNotFoundError:
                continue
            except (OSError, ValueError, msgspec.DecodeError) as error:
                _set_aside(path, error)
                continue
            events.setdefault(event.uniqueid, []).append((event, path))
    return sorted((_call(found, node) for found in events.values()), key=lambda call: call.started_at)


def _files(folder: Path) -> Iterator[Path]:
    """The folder's spool files. The later folders lie where everybody may write: what is not ours is not believed."""
    for path in sorted(folder.glob("*.json")):
        with suppress(FileNotFoundError):
            if {path.lstat().st_uid, folder.lstat().st_uid} == {os.geteuid()}:
                yield path
            else:
                log.error("spool file of somebody else ignored")


def forget(calls: Iterable[SpooledCall]) -> None:
    """Delete the files of calls once the journal has them; the end of a call may still come later."""
    for call in calls:
        for path in call.files:
            with suppress(FileNotFoundError):
                path.unlink()


def _call(found: list[tuple[_Event, Path]], node: str) -> SpooledCall:
    arrived = found[0][0]
    last = max((event for event, _ in found), key=lambda event: event.event == "ended")
    over = last.event == "ended"
    written = _plausible(arrived.written)
    started_at = _moment(arrived.start, arrived.uniqueid) or written
    if started_at is None:
        raise ValueError("no moment in it")
    ended_at = max(started_at, _plausible(last.written) or started_at) if over else None
    known = _CALL_ID.fullmatch(arrived.call) is not None
    caller = "" if arrived.caller == "unknown" else arrived.caller
    return SpooledCall(
        # Not by the CDR's start: a Dial that failed begins a new CDR, so the end of a call tells another start than its
        # beginning did, and what came in two readings of the spool would be two calls.
        call_id=arrived.call if known else derived_id(_began(arrived.uniqueid) or started_at, node, arrived.uniqueid),
        known=known,
        uniqueid=arrived.uniqueid,
        line=arrived.line,
        did=arrived.did,
        caller=caller,
        started_at=started_at,
        recording=arrived.recording,
        ended_at=ended_at,
        dial_status=last.dial_status,
        answered_by=last.answered_by if last.dial_status == "ANSWER" else "",
        talk_seconds=float(last.answered_seconds) if re.fullmatch("[0-9]{1,7}", last.answered_seconds) else 0.0,
        files=tuple(path for _, path in found),
    )


def _moment(start: str, uniqueid: str) -> datetime | None:
    """When the call began: the CDR's start, else the epoch in the channel id (``[system-]1767225600.12``)."""
    return _plausible(start) or _began(uniqueid)


def _began(uniqueid: str) -> datetime | None:
    """The second in which the channel was made."""
    return _plausible(uniqueid.rpartition("-")[2].partition(".")[0])


def _plausible(epoch: str | float) -> datetime | None:
    """The moment of epoch seconds; None for what is no number or far off: a press is not lost for a bad clock."""
    try:
        at = datetime.fromtimestamp(float(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if _EARLIEST < at < _LATEST else None


def _set_aside(path: Path, error: Exception) -> None:
    log.error("spool file damaged, set aside", file=path.name, problem=type(error).__name__)
    aside = path.parent / "damaged"
    with suppress(OSError):
        aside.mkdir(exist_ok=True)
        path.replace(aside / path.name)
