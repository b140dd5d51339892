"""A few seconds of soft chords for those who wait: made here, so that it belongs to nobody."""

import array
import math
import wave
from pathlib import Path

RATE = 8000
_CHORDS = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))
"""C, A minor, F, G: frequencies in Hz."""
_CHORD_SECONDS = 2.0


def write_hold_music(path: Path) -> None:
    """Write 8 s of 8 kHz 16-bit mono WAV; each chord swells and fades, so that it loops without a click."""
    samples = array.array("h")
    count = int(RATE * _CHORD_SECONDS)
    for chord in _CHORDS:
        for index in range(count):
            swell = math.sin(math.pi * index / count) ** 2
            tone = sum(math.sin(2 * math.pi * frequency * index / RATE) for frequency in chord)
            samples.append(int(1500 * swell * tone))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
