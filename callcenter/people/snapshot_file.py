"""The directory on disk, for a start without the database: replaced as a whole, checked by its SHA-256 (A10, R28)."""

import hashlib
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import structlog

from callcenter.emergency.plan import Plan
from callcenter.people.directory import Directory, Elder
from callcenter.people.roster import Shift
from callcenter.people.staff import Member

log = structlog.get_logger(__name__)

_START = b'{"directory":'
_MIDDLE = b',"sha256":"'
_END = b'"}\n'
_TAIL = len(_MIDDLE) + 64 + len(_END)
_PIECE = 500


class _Content(msgspec.Struct):
    plans: list[Plan]
    elders: list[Elder]
    shifts: list[Shift] = []
    staff: list[Member] = []


def save(directory: Directory, path: Path) -> None:
    """Write the directory; a crash leaves the old file whole. Raises `OSError` when the disk refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    digest = hashlib.sha256()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(_START)
        for piece in _content(directory):
            digest.update(piece)
            file.write(piece)
        file.write(_MIDDLE + digest.hexdigest().encode() + _END)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _content(directory: Directory) -> Iterator[bytes]:
    """The JSON in pieces: the encoder holds the interpreter's lock for no more than one of them."""
    encoder = msgspec.json.Encoder()
    yield b'{"plans":' + encoder.encode(list(directory.plans.values()))
    yield b',"shifts":' + encoder.encode(directory.shifts) + b',"staff":' + encoder.encode(directory.staff)
    yield b',"elders":['
    elders = iter(directory.elders.values())
    comma = b""
    while piece := list(islice(elders, _PIECE)):
        yield comma + encoder.encode(piece)[1:-1]
        comma = b","
    yield b"]}"


def restore(path: Path) -> Directory:
    """The saved directory. Empty when there is none or it is damaged, which is logged loudly and kept aside."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Directory()
    except OSError as error:
        log.error("saved directory cannot be read; callers stay unknown until the database answers", error=str(error))
        return Directory()
    body, checksum = raw[len(_START) : -_TAIL], raw[-_TAIL:]
    expected = _MIDDLE + hashlib.sha256(body).hexdigest().encode() + _END
    if not raw.startswith(_START) or checksum != expected:
        log.error("saved directory is damaged; callers stay unknown until the database answers", bytes=len(raw))
        return Directory()
    try:
        content = msgspec.json.decode(body, type=_Content)
    except msgspec.DecodeError:
        log.error("saved directory is of another release; callers stay unknown until the database answers")
        return Directory()
    return Directory(content.elders, content.plans, content.shifts, content.staff)
