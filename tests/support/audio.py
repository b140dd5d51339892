"""Tones made and found: how a test proves who hears whom."""

import array
import math
import wave
from collections.abc import Iterable, Sequence
from pathlib import Path

RATE = 8000


def tone(frequency: float, seconds: float, amplitude: int = 8000, rate: int = RATE) -> "array.array[int]":
    """16-bit samples of a sine tone."""
    step = 2 * math.pi * frequency / rate
    return array.array("h", (int(amplitude * math.sin(step * n)) for n in range(int(seconds * rate))))


def write_wav(path: Path, samples: Sequence[int], rate: int = RATE) -> Path:
    """Write 16-bit mono WAV."""
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes(array.array("h", samples).tobytes())
    return path


def read_wav(path: Path, start: float = 0.0, end: float | None = None) -> "tuple[array.array[int], int]":
    """Samples (all channels interleaved) between two times in seconds, and the rate."""
    with wave.open(str(path), "rb") as source:
        rate, channels = source.getframerate(), source.getnchannels()
        source.setpos(min(int(start * rate), source.getnframes()))
        count = source.getnframes() if end is None else int((end - start) * rate)
        samples = array.array("h", source.readframes(count))
    return samples[::channels], rate


def seconds_of(path: Path) -> float:
    """How long a WAV file plays."""
    with wave.open(str(path), "rb") as source:
        return source.getnframes() / source.getframerate()


def level(samples: Sequence[int], frequency: float, rate: int = RATE) -> float:
    """Amplitude of one frequency in the samples, by Goertzel's algorithm (a full-scale sine is 32767)."""
    if not samples:
        return 0.0
    coefficient = 2 * math.cos(2 * math.pi * frequency / rate)
    before, last = 0.0, 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    power = last * last + before * before - coefficient * last * before
    return 2 * math.sqrt(max(power, 0.0)) / len(samples)


def tones_in(
    samples: Sequence[int], frequencies: Iterable[float], rate: int = RATE, threshold: float = 600
) -> set[float]:
    """Which of the frequencies are there. Give frequencies at least 50 Hz apart and 0.2 s or more of sound."""
    return {frequency for frequency in frequencies if level(samples, frequency, rate) >= threshold}


def tones_in_file(
    path: Path, frequencies: Iterable[float], start: float = 0.0, end: float | None = None, threshold: float = 600
) -> set[float]:
    """Which of the frequencies are in a WAV file between two times in seconds."""
    samples, rate = read_wav(path, start, end)
    return tones_in(samples, frequencies, rate, threshold)


def _alaw_byte(sample: int) -> int:
    """ITU-T G.711, A-law: sign, exponent, mantissa, every second bit inverted."""
    sign, magnitude = (0x80, sample) if sample >= 0 else (0x00, -sample - 1)
    magnitude = min(magnitude >> 3, 0xFFF)
    exponent = max(magnitude.bit_length() - 5, 0)
    mantissa = (magnitude >> max(exponent, 1)) & 0x0F
    return (sign | exponent << 4 | mantissa) ^ 0x55


def _alaw_sample(byte: int) -> int:
    byte ^= 0x55
    exponent, mantissa = byte >> 4 & 0x07, byte & 0x0F
    magnitude = (mantissa << 4) + 8 if not exponent else ((mantissa << 4) + 0x108) << (exponent - 1)
    return magnitude if byte & 0x80 else -magnitude


_ENCODE = bytes(_alaw_byte((value << 3) - 0x8000) for value in range(8192))
_DECODE = [_alaw_sample(byte) for byte in range(256)]


def to_alaw(samples: Iterable[int]) -> bytes:
    """16-bit samples as G.711 A-law."""
    return bytes(_ENCODE[(sample + 0x8000) >> 3] for sample in samples)


def from_alaw(data: bytes) -> "array.array[int]":
    """G.711 A-law as 16-bit samples."""
    return array.array("h", (_DECODE[byte] for byte in data))
