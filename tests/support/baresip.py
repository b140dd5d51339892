"""A seat's softphone as people use one: a real baresip that registers, rings, is answered, keys digits, hangs up.

Orders go over its ctrl_tcp module (netstrings of JSON); it plays a tone and writes what it hears into a WAV file.
"""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any, Self

from callcenter.settings import Settings
from tests.support.audio import tone as tone_of
from tests.support.audio import tones_in_file, write_wav
from tests.support.ports import free_port
from tests.support.sipp import until

SPEAKS_SECONDS = 60.0

CONFIG = """
poll_method epoll
sip_listen 127.0.0.1:{sip_port}
audio_player aubridge,nowhere
audio_source aufile,{folder}/says.wav
audio_alert aubridge,nowhere
snd_path {folder}
audio_path {folder}
ausrc_channels 1
auplay_channels 1
audio_level no
rtp_ports {rtp_port}-{rtp_last}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control_port}
"""


class Baresip:
    """One softphone. ``events``: what it told, newest last, each with its ``type`` (``CALL_INCOMING``, …)."""

    def __init__(self, folder: Path, tone: int) -> None:
        self.folder = folder
        self.tone = tone
        self.events: list[dict[str, Any]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None

    @classmethod
    async def register(
        cls, folder: Path, settings: Settings, user: str, password: str, *, tone: int = 600, auto_answer: bool = False
    ) -> Self:
        """Start one and return when it is registered. ``tone``: what it says, in Hz, for a minute."""
        home = folder / f"baresip-{user}"
        home.mkdir(parents=True)
        phone = cls(home, tone)
        control_port, rtp_port = free_port(), 2 * (free_port() // 2)
        values = {
            "sip_port": free_port(),
            "control_port": control_port,
            "rtp_port": rtp_port,
            "rtp_last": rtp_port + 50,
        }
        (home / "config").write_text(CONFIG.format(folder=home, **values), "utf-8")
        write_wav(home / "says.wav", tone_of(tone, SPEAKS_SECONDS))
        options = f";auth_pass={password};regint=300;audio_codecs=PCMA" + (";answermode=auto" if auto_answer else "")
        (home / "accounts").write_text(f"<sip:{user}@127.0.0.1:{settings.sip_port}>{options}\n", "utf-8")
        with (home / "output").open("wb") as output:
            phone._process = await asyncio.create_subprocess_exec(
                *("baresip", "-f", str(home)), cwd=home, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output
            )
        await phone._connect(control_port)
        await until(lambda: "[1 binding]" in phone.output(), what=f"{user}'s registration")
        return phone

    async def answer(self) -> None:
        """Pick up a call that rings."""
        await self.until("CALL_INCOMING")
        await self.order("accept")
        await self.until("CALL_ESTABLISHED")

    async def hangup(self) -> None:
        """Hang up."""
        await self.order("hangup")

    async def dial(self, target: str) -> None:
        """Call a number or a SIP address."""
        await self.order("dial", target)

    async def key(self, digits: str) -> None:
        """Press keys (RFC 4733), 150 ms apart."""
        for digit in digits:
            await self.order("sndcode", digit)
            await asyncio.sleep(0.15)

    def hears(self, *frequencies: float, start: float = 0.0) -> set[float]:
        """Which of the frequencies are in what it heard in its one call; the file is whole once it is closed."""
        (heard,) = self.folder.glob("dump-*-dec.wav")
        return tones_in_file(heard, frequencies, start)

    def output(self) -> str:
        """What it printed."""
        return (self.folder / "output").read_text("utf-8", "replace")

    async def until(self, kind: str, seconds: float = 5.0) -> None:
        """Wait for an event of this type."""
        await until(
            lambda: any(event.get("type") == kind for event in self.events),
            seconds,
            f"{kind} (so far: {[event.get('type') for event in self.events]})",
        )

    async def order(self, command: str, parameters: str = "") -> None:
        """Give an order, e.g. ``order("hangup")``."""
        assert self._writer is not None
        text = json.dumps({"command": command, "params": parameters, "token": command}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        await self._writer.drain()

    async def close(self) -> None:
        """End it as a user would: it unregisters."""
        if self._writer is not None:
            self._writer.close()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                await self.kill()
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        if self._writer is not None:
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()

    def signal(self, number: int) -> None:
        """Send its process a signal, e.g. SIGSTOP: a phone that hangs."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """As a phone that loses power."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _connect(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 5
        while True:
            try:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError as error:
                if loop.time() > deadline:
                    raise AssertionError(self.output()) from error
                await asyncio.sleep(0.02)
        self._listener = asyncio.create_task(self._listen(reader))

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = await reader.readuntil(b":")
                text = await reader.readexactly(int(length[:-1]) + 1)
                self.events.append(json.loads(text[:-1]))
