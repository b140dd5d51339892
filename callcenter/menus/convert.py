"""Converts one uploaded prompt, in a process of its own: standard input to standard output (B1).

pydub loads whole files and hands ffmpeg whatever it is given; so the format is named to it (told from the first bytes,
no playlist is one), the length is bounded before anything is decoded, memory, processor time and files are limited, and
calls have the processor first.
"""

import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

MOST_SECONDS, FEWEST_SECONDS = 120, 0.2
RATE = 8000
LOUDNESS = -18.0
"""dBFS: as loud as the product's own prompts."""
_MEMORY = 1 << 30
_CPU_SECONDS = 25
_FILE_BYTES = 64 << 20
_NICENESS = 10


def main() -> None:
    """``<kind>``: ``wav``, ``mp3`` or ``ogg``. Writes ``ok <seconds>`` and the WAV, or ``no <word> <why>``."""
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    audio = sys.stdin.buffer.read()
    try:
        wav, seconds = convert(audio, sys.argv[1])
    except _Unusable as error:
        sys.stdout.buffer.write(f"no {error}\n".encode())
    else:
        sys.stdout.buffer.write(f"ok {seconds:.3f}\n".encode() + wav)


class _Unusable(Exception):
    """What is wrong with the file: one word of ours, and a sentence for the one who sent it."""


def convert(audio: bytes, kind: str) -> tuple[bytes, float]:
    """The audio as 8 kHz mono 16-bit WAV at the loudness of all prompts, and its seconds."""
    from pydub import AudioSegment  # noqa: PLC0415 - only this process pays for the import

    with tempfile.TemporaryDirectory(prefix="callcenter-prompt-") as folder:
        given, made = Path(folder) / f"given.{kind}", Path(folder) / "made.wav"
        given.write_bytes(audio)
        try:
            sound: Any = AudioSegment.from_file(str(given), format=kind, duration=MOST_SECONDS + 1)
            seconds = len(sound) / 1000
            if not FEWEST_SECONDS <= seconds <= MOST_SECONDS:
                raise _Unusable(f"length a prompt is {FEWEST_SECONDS:g} to {MOST_SECONDS} s long")
            if sound.dBFS < -60:
                raise _Unusable("silent there is nothing to be heard in this file")
            louder = sound.apply_gain(min(LOUDNESS - sound.dBFS, -sound.max_dBFS - 1))
            how = ["-ar", str(RATE), "-ac", "1", "-c:a", "pcm_s16le", "-map_metadata", "-1", "-fflags", "+bitexact"]
            louder.export(str(made), format="wav", parameters=how).close()
        except _Unusable:
            raise
        except Exception as error:  # pydub lets whatever it stumbles over through
            raise _Unusable("damaged the file is damaged or of a kind that cannot be read") from error
        return made.read_bytes(), seconds


if __name__ == "__main__":
    os.umask(0o077)
    main()
