"""Looking at audio files: is it whole, how long, is anything to be heard, its SHA-256 (B6).

Own reading of the WAV header (RIFF, Multimedia Programming Interface 1.0), because the files of
interest are those that were never finished, and libraries refuse them.
"""

import hashlib
import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

SILENCE_PEAK = 64
"""16-bit samples that never leave ±64 (−54 dBFS) hold no voice, only line noise."""

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Header:
    """What a WAV header says. ``data_at``: where samples begin; ``data_bytes``: how many it claims."""

    channels: int
    rate: int
    bits: int
    data_at: int
    data_bytes: int

    @property
    def bytes_per_second(self) -> int:
        return self.channels * self.rate * self.bits // 8


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file is. ``finished``: the header agrees with the file's size. ``peak``: None for other than 16 bit."""

    bytes: int
    finished: bool
    seconds: float
    peak: int | None
    sha256: str


def read_header(path: Path) -> Header | None:
    """The header of a PCM WAV file, None when there is none (yet). Raises `OSError`."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at = 12
    layout: tuple[int, int, int] | None = None
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        if name == b"fmt " and at + 24 <= len(head):
            coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", head, at + 8)
            if coding != 1 or not (channels and rate and bits >= 8):
                return None
            layout = channels, rate, bits
        elif name == b"data" and layout is not None:
            return Header(*layout, data_at=at + 8, data_bytes=size)
        at += 8 + size + size % 2
    return None


def examine(path: Path) -> Examined | None:
    """Look at a whole file, in one pass; None when it is no WAV file (yet). Raises `OSError`."""
    header = read_header(path)
    if header is None:
        return None
    digest = hashlib.sha256()
    size = peak = 0
    sixteen = header.bits == 16
    with path.open("rb") as file:
        head = file.read(header.data_at)
        digest.update(head)
        size += len(head)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            if sixteen and peak < SILENCE_PEAK:
                peak = max(peak, _peak(chunk))
    data = size - header.data_at
    return Examined(
        bytes=size,
        finished=data > 0 and data - header.data_bytes in (0, 1),
        seconds=data / header.bytes_per_second,
        peak=peak if sixteen else None,
        sha256=digest.hexdigest(),
    )


def _peak(chunk: bytes) -> int:
    samples = array("h", chunk[: len(chunk) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return max(max(samples, default=0), -min(samples, default=0))


@dataclass(frozen=True, slots=True)
class Piece:
    """A file and the moment its first sample was taken."""

    path: Path
    started_at: datetime


def compose(started_at: datetime, mix: Path | None, legs: Sequence[Piece], target: Path) -> None:
    """Write a mix that began at ``started_at`` and goes on, from its end, with what the legs' own files hold.

    Without a mix the legs alone make it. Meant for a process of its own: pydub loads whole files.
    Raises `OSError` and pydub's errors.
    """
    from pydub import AudioSegment  # noqa: PLC0415 - only the process that composes pays for the import

    whole = AudioSegment.from_wav(mix) if mix is not None else AudioSegment.empty()
    end_of_mix = len(whole)
    for leg in legs:
        voice = AudioSegment.from_wav(leg.path)
        offset = round((leg.started_at - started_at).total_seconds() * 1000)
        later = voice[max(0, end_of_mix - offset) :]
        begins = max(end_of_mix, offset)
        missing = begins + len(later) - len(whole)
        if missing > 0:
            whole += AudioSegment.silent(missing, frame_rate=voice.frame_rate)
        whole = whole.overlay(later, position=begins)
    temporary = target.with_name(f".{target.name}.new")
    whole.export(temporary, format="wav").close()
    temporary.replace(target)
