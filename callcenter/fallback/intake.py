"""Takes in the calls that the fallback left in the spool, so that each is in the record once (A10, R1).

An entry is one JSON object in a file of its own, written by Asterisk (``dialplan/50-fallback.conf``) in one go and not
fsynced: a power cut takes the calls, and the entries that the kernel has not written yet (up to half a minute of them).
A file can be found half-written, or cut off by a full disk: its name still tells whose call it was, and every pair that
is whole in it counts. Earlier releases' files in the same folder are read as well.
"""

import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote
from zlib import crc32

import msgspec
import structlog

from callcenter.ids import derived_id
from callcenter.telephony.events import LiveChannel

log = structlog.get_logger(__name__)

WRITTEN_SECONDS = 2.0
"""How long Asterisk may take to write an entry; after that what is there is all there will be."""

_CALL_ID = re.compile(r"[0-9A-Za-z-]{1,36}")
_NAME = re.compile(r"([\w.-]{1,150})-([0-9]{1,12}\.[0-9]{3})\.(arrived|ended)\.json")
_PAIR = re.compile(rb'"(\w+)":"([^"\\\x00-\x1f]*)"')
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class _Event(msgspec.Struct):
    """One entry; all values are text, as Asterisk gave them.

    ``form``: ``uri`` where what others say is URI-encoded; the script of earlier releases left plain text.
    """

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
    form: str = msgspec.field(default="", name="as")


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


def spare(spool: Path) -> str:
    """What the paths of this spool's entries begin with where the disk takes none: in memory, for nobody else to read.

    Asterisk cannot make a folder, so ours is made here; where somebody else made it first, the spool itself is named.
    """
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    folder = (memory if memory.is_dir() else Path(tempfile.gettempdir())) / f"callcenter-{os.geteuid()}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
    return f"{folder}/{crc32(os.fsencode(spool)):08x}-" if _is_ours(folder) else f"{spool}/"


def read_spool(spool: Path, node: str) -> list[SpooledCall]:
    """All calls in the spool, oldest first; a file that cannot be read is moved to ``damaged/``."""
    whole: dict[str, tuple[_Event, list[Path]]] = {}
    torn: dict[str, list[Path]] = {}
    for name, path in _files(spool):
        try:
            event = _decoder.decode(path.read_bytes())
            _call([(event, [path])], node)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, msgspec.DecodeError) as error:
            if _NAME.fullmatch(name):
                torn.setdefault(name, []).append(path)
            else:
                _set_aside(path, error)
            continue
        whole.setdefault(name, (event, []))[1].append(path)
    for name, paths in torn.items():
        # A disk that was full, and the same entry in memory.
        if name in whole:
            whole[name][1].extend(paths)
        elif all(_written(path) for path in paths):
            log.error("spool file torn, what is whole in it is taken in", file=name)
            whole[name] = (_legible(name, paths[0]), paths)
    events: dict[str, list[tuple[_Event, list[Path]]]] = {}
    for event, paths in whole.values():
        events.setdefault(event.uniqueid, []).append((event, paths))
    return sorted((_call(found, node) for found in events.values()), key=lambda call: call.started_at)


def _files(spool: Path) -> Iterator[tuple[str, Path]]:
    """The spool's files with the names that Asterisk meant.

    Those in memory first: Asterisk turns to memory when the disk has failed it, so of an entry that we see there we
    see what is on the disk as well.
    """
    before, _, prefix = spare(spool).rpartition("/")
    for folder, start in ((Path(before), prefix), (spool, "")) if prefix else ((spool, ""),):
        for path in sorted(folder.glob(f"{start}*.json")):
            # Where everybody may write, what is not ours is not believed.
            if _is_ours(path) and _is_ours(folder):
                yield path.name.removeprefix(start), path
            else:
                log.error("spool file of somebody else ignored")


def _is_ours(path: Path) -> bool:
    try:
        return path.lstat().st_uid == os.geteuid()
    except OSError:
        return False


def _written(path: Path) -> bool:
    """Whether nobody can be writing it any more; also when somebody has set the clock back."""
    try:
        return abs(time.time() - path.stat().st_mtime) > WRITTEN_SECONDS
    except OSError:
        return False


def _legible(name: str, path: Path) -> _Event:
    """What can be read of an entry that was cut off: at worst whose call it is. In doubt it was an emergency."""
    found = _NAME.fullmatch(name)
    data = path.read_bytes() if _is_ours(path) else b""
    pairs = {key.decode(): value.decode(errors="replace") for key, value in _PAIR.findall(data)}
    named = dict(zip(("uniqueid", "written", "event"), found.groups() if found else (), strict=False))
    return msgspec.convert({"line": "emergency", "did": "", "start": "", **pairs, **named}, _Event, strict=False)


def of_channel(channel: LiveChannel, node: str, now: datetime) -> SpooledCall:
    """A call in the fallback of which nothing could be written, as far as its line tells."""
    said = channel.variables.get
    written = (now - timedelta(seconds=channel.seconds)).timestamp()
    line = said("CC_LINE", "emergency")
    event = _Event(channel.channel_id, "arrived", line, "", "", written, channel.caller, "", said("CC_CALL", ""))
    return _call([(event, [])], node)


def forget(calls: Iterable[SpooledCall]) -> None:
    """Delete the files of calls once the journal has them; the end of a call may still come later."""
    for call in calls:
        for path in call.files:
            with suppress(FileNotFoundError):
                path.unlink()


def _call(found: list[tuple[_Event, list[Path]]], node: str) -> SpooledCall:
    arrived = found[0][0]
    last = max((event for event, _ in found), key=lambda event: event.event == "ended")
    over = last.event == "ended"
    written = _plausible(arrived.written)
    started_at = _moment(arrived.start, arrived.uniqueid) or written
    if started_at is None:
        raise ValueError("no moment in it")
    ended_at = max(started_at, _plausible(last.written) or started_at) if over else None
    plain = unquote if arrived.form == "uri" else str
    known = _CALL_ID.fullmatch(arrived.call) is not None
    caller = plain(arrived.caller)
    return SpooledCall(
        # Not by the CDR's start: a Dial that failed begins a new CDR, so the end of a call tells another start than its
        # beginning did, and what came in two readings of the spool would be two calls.
        call_id=arrived.call if known else derived_id(_began(arrived.uniqueid) or started_at, node, arrived.uniqueid),
        known=known,
        uniqueid=arrived.uniqueid,
        line=arrived.line,
        did=plain(arrived.did),
        caller="" if caller == "unknown" else caller,
        started_at=started_at,
        recording=plain(arrived.recording),
        ended_at=ended_at,
        dial_status=last.dial_status,
        answered_by=plain(last.answered_by) if last.dial_status == "ANSWER" else "",
        talk_seconds=float(last.answered_seconds) if re.fullmatch("[0-9]{1,7}", last.answered_seconds) else 0.0,
        files=tuple(path for _, paths in found for path in paths),
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
