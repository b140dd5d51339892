"""Prompts: the product's own, and those that were uploaded: checked, converted, kept in the data folder (B1).

pydub hands ffmpeg whatever it is given; so the format is told from the first bytes and named to it, the length is
bounded before anything is decoded, and one file at a time is converted, in a thread.
"""

import asyncio
import functools
import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.clock import Clock
from callcenter.errors import Conflict, InvalidInput, NotFound
from callcenter.menus.model import prompts_of
from callcenter.menus.tables import MenuRow, MenuState, PromptRow, menu_of

log = structlog.get_logger(__name__)

SOUNDS = Path(__file__).resolve().parent.parent.parent / "asterisk" / "sounds" / "zh"
MOST_BYTES = 1_000_000
MOST_SECONDS, FEWEST_SECONDS = 120, 0.2
RATE = 8000
LOUDNESS = -18.0
"""dBFS: as loud as the product's own prompts."""
CONVERT_SECONDS = 30.0

_converting = asyncio.Semaphore(1)


def folder_of(data: Path) -> Path:
    """Where uploaded prompts lie; Asterisk knows it as ``custom/``."""
    return data / "prompts"


@functools.cache
def built_in_prompts() -> frozenset[str]:
    """The names of the product's own prompts."""
    return frozenset(path.stem for path in SOUNDS.glob("*.wav"))


async def custom_prompts(session: AsyncSession) -> Sequence[PromptRow]:
    """Prompts that were uploaded, by name."""
    return (await session.scalars(select(PromptRow).order_by(PromptRow.name))).all()


def path_of(data: Path, name: str) -> Path:
    """The audio of a prompt, the product's own or an uploaded one; raises `NotFound`."""
    path = SOUNDS / f"{name}.wav" if name in built_in_prompts() else folder_of(data) / f"{name}.wav"
    if not path.is_file():
        raise NotFound(f"there is no prompt {name}")
    return path


async def add_prompt(
    session: AsyncSession, clock: Clock, data: Path, name: str, text: str, audio: bytes, user: str
) -> PromptRow:
    """Take in an upload, new or in place of the one of that name.

    Raises `InvalidInput` for what is no WAV, MP3 or Ogg, silent, too short or longer than 120 s.
    """
    wav, seconds = await convert(audio)
    path = folder_of(data) / f"{name}.wav"
    await asyncio.to_thread(_store, path, wav)
    row = await session.get(PromptRow, name)
    if row is None:
        row = PromptRow(name=name)
        session.add(row)
    row.text, row.seconds, row.sha256 = text, round(seconds, 2), hashlib.sha256(wav).hexdigest()
    row.created_at, row.created_by = clock.now(), user
    await session.flush()
    return row


async def delete_prompt(session: AsyncSession, data: Path, name: str) -> None:
    """Take an uploaded prompt off; raises `NotFound`, `Conflict` while a live menu plays it."""
    row = await session.get(PromptRow, name)
    if row is None:
        raise NotFound(f"no prompt {name} was uploaded")
    live = await session.scalars(select(MenuRow).where(MenuRow.state == MenuState.LIVE.value))
    for menu in live:
        if name in prompts_of(menu_of(menu)):
            raise Conflict(f"the live menu {menu.name!r} plays {name}; publish one that does not, then delete it")
    await session.delete(row)
    await session.flush()
    await asyncio.to_thread((folder_of(data) / f"{name}.wav").unlink, missing_ok=True)


def sniff(audio: bytes) -> str:
    """``wav``, ``mp3`` or ``ogg`` by the first bytes; raises `InvalidInput` for anything else."""
    if audio[:4] == b"RIFF" and audio[8:12] == b"WAVE":
        return "wav"
    if audio[:4] == b"OggS":
        return "ogg"
    if audio[:3] == b"ID3" or (len(audio) > 1 and audio[0] == 0xFF and audio[1] & 0xE0 == 0xE0):
        return "mp3"
    raise InvalidInput("this is no WAV, MP3 or Ogg file; send one of these", field="file")


async def convert(audio: bytes) -> tuple[bytes, float]:
    """An upload as 8 kHz mono 16-bit WAV at the loudness of all prompts, and its seconds. Raises `InvalidInput`."""
    if len(audio) > MOST_BYTES:
        raise InvalidInput(f"a prompt may have {MOST_BYTES} bytes; send it as MP3 or Ogg", field="file")
    kind = sniff(audio)
    async with _converting:
        try:
            async with asyncio.timeout(CONVERT_SECONDS):
                return await asyncio.to_thread(_convert, audio, kind)
        except TimeoutError as error:
            raise InvalidInput("this file takes too long to convert; send another format", field="file") from error


def _convert(audio: bytes, kind: str) -> tuple[bytes, float]:
    from pydub import AudioSegment  # noqa: PLC0415 - only who converts pays for the import
    from pydub.exceptions import CouldntDecodeError, CouldntEncodeError  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="callcenter-prompt-") as folder:
        given, made = Path(folder) / f"given.{kind}", Path(folder) / "made.wav"
        given.write_bytes(audio)
        try:
            with given.open("rb"):
                sound: Any = AudioSegment.from_file(str(given), format=kind, duration=MOST_SECONDS + 1)
            seconds = len(sound) / 1000
            if not FEWEST_SECONDS <= seconds <= MOST_SECONDS:
                raise InvalidInput(f"a prompt is {FEWEST_SECONDS:g} to {MOST_SECONDS} s long", field="file")
            if sound.dBFS < -60:
                raise InvalidInput("there is nothing to be heard in this file", field="file")
            louder = sound.apply_gain(min(LOUDNESS - sound.dBFS, -sound.max_dBFS - 1))
            louder.export(
                str(made), format="wav", parameters=["-ar", str(RATE), "-ac", "1", "-c:a", "pcm_s16le"]
            ).close()
        except (CouldntDecodeError, CouldntEncodeError, IndexError, KeyError, OSError, ValueError, EOFError) as error:
            raise InvalidInput("the file is damaged or of a kind that cannot be read", field="file") from error
        return made.read_bytes(), seconds


def _store(path: Path, wav: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(wav)
    draft.replace(path)
