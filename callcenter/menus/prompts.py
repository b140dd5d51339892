"""Prompts: the product's own, and those that were uploaded: checked, converted, kept in the data folder (B1)."""

import asyncio
import contextlib
import functools
import hashlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

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
            raise Conflict(
                f"the live menu {menu.name!r} plays {name}; publish one that does not, then delete it",
                reason="prompt_in_menu",
                menu=menu.name,
            )
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
    raise InvalidInput("this is no WAV, MP3 or Ogg file; send one of these", field="file", reason="not_audio")


async def convert(audio: bytes) -> tuple[bytes, float]:
    """An upload as 8 kHz mono 16-bit WAV at the loudness of all prompts, and its seconds. Raises `InvalidInput`."""
    if len(audio) > MOST_BYTES:
        raise InvalidInput(
            f"a prompt may have {MOST_BYTES} bytes; send it as MP3 or Ogg", field="file", reason="audio_large"
        )
    kind = sniff(audio)
    async with _converting:
        answer = await _apart(kind, audio)
    said, _, wav = answer.partition(b"\n")
    word, _, rest = said.decode("utf-8", "replace").partition(" ")
    if word == "ok":
        return wav, float(rest)
    why, _, sentence = rest.partition(" ")
    raise InvalidInput(
        sentence or "the file cannot be converted; save it as another format",
        field="file",
        reason=f"audio_{why or 'damaged'}",
    )


async def _apart(kind: str, audio: bytes) -> bytes:
    """What the process of its own answers; nothing when it fails or takes too long."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callcenter.menus.convert", kind),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    answer = b""
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONVERT_SECONDS):
                answer, _ = await process.communicate(audio)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # ffmpeg with it
            await process.wait()
    return answer if process.returncode == 0 else b""


def _store(path: Path, wav: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(wav)
    draft.replace(path)
