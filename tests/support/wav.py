"""WAV files for tests: 8 kHz, 16 bit, mono, as Asterisk writes them."""

import math
import struct
from pathlib import Path

RATE = 8000


def tone(seconds: float, hertz: float = 440.0, level: int = 8000) -> bytes:
    """Samples of a tone; level 0 is silence."""
    count = round(seconds * RATE)
    return struct.pack(f"<{count}h", *(round(level * math.sin(2 * math.pi * hertz * n / RATE)) for n in range(count)))


def header(data_bytes: int) -> bytes:
    """The 44 bytes before the samples."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + data_bytes, b"WAVE", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16, b"data",
        data_bytes,
    )  # fmt: skip


def write_wav(path: Path, samples: bytes, *, finished: bool = True) -> Path:
    """Write a file; unfinished ones have a header that says they are empty, as after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header(len(samples) if finished else 0) + samples)
    return path
