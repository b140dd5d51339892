"""Operators at their pages: real Chromium, the real console, a voice that is a tone, ears that are measured.

    async def test_a_press_is_answered_at_the_page(center: Instance, console: Console) -> None:
        op1 = await console("op1", voice=640)              # signed in at /console/, its phone registered
        press = await center.dial("95120", elder["pendant"])
        press.media.play(440)
        await op1.phone("call?.state", "ringing")          # a part of `callcenterPhone.state`, until it is so
        await op1.page.keyboard.press("Enter")             # `page` is Playwright's: the page itself is used by it
        await op1.hears(440)                               # the tone is in what the page plays, in the far end's stream
        await until(lambda: press.media.hears(640))        # and the page's voice is in what the elder hears
        assert (await op1.stats())["received"] > 50        # getStats of the line: codec, sent, received, lost, jitter

``console(user, wait=False)`` does not wait for the phone; ``voice=None`` is a silent microphone; ``language="en"`` and
``size=(1366, 768)`` set the page up; `Operator.open` opens one more tab of the same browser. `Operator.say` runs one of
the phone's own methods (``await op1.say("answer")``) where no button is the matter of the test. `Operator.cut` and
`Operator.mend` cut the page's network but for audio, `loses` takes its audio, `freeze` and `thaw` stop the whole
browser. Errors that the page logs fail the test at its end, but for those of `Operator.forgiven`.

Each operator is a Chromium of its own, because the file that its microphone plays is named when it starts. Its sound
processing is off: it takes a steady tone for noise. The pages are served by the instance's own process, built once
when a source is newer than what was built. Tones: 200 Hz and more apart, 300 to 3400 Hz.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol, Self

from playwright.async_api import BrowserContext, CDPSession, ConsoleMessage, Page, Playwright, async_playwright

from callcenter.api.console import DIST
from callcenter.ports import own_address
from tests.support.audio import tone, write_wav
from tests.support.instance import Instance
from tests.support.sipp import PATIENCE

SOURCE = DIST.parent
RATE = 48_000
LOUD_DB = -60.0
"""A tone in the far end's stream is some -30 dB; beside it lies nothing above -80."""
_FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-first-run",
)
_SPARE_ADDRESS = "198.18.0.1/32"
"""Of the range for benchmarks (RFC 2544): for `lo` on a machine that has no other address for ICE to offer."""


class Operator:
    """Somebody at the console: `page` is the tab, `context` the browser's profile."""

    def __init__(self, center: Instance, context: BrowserContext, user: str, voice: Path) -> None:
        self.center = center
        self.at = f"http://127.0.0.1:{center.settings.http_port}"
        self.voice = voice
        self.context = context
        self.user = user
        self.errors: list[str] = []
        self.forgiven: list[str] = []
        """Words of errors that a test brings about itself."""

    page: Page
    _devtools: CDPSession | None = None

    async def open(self, path: str = "/console/") -> Page:
        """One more tab. The first is `page`."""
        page = await self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._logged)
        await page.goto(f"{self.at}{path}")
        return page

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    async def sign_in(self, page: Page) -> None:
        """By user name and password, as people do."""
        everyone = [*self.center.credentials["seats"], *self.center.credentials["accounts"]]
        password = next(one["web_password"] for one in everyone if one["user"] == self.user)
        await page.fill("input[autocomplete=username]", self.user)
        await page.fill("input[autocomplete=current-password]", password)
        await page.press("input[autocomplete=current-password]", "Enter")
        await page.wait_for_selector("input[autocomplete=current-password]", state="detached")

    # --- the phone -----------------------------------------------------------------------------------------

    async def phone(self, part: str, wanted: Any, seconds: float = 10.0, page: Page | None = None) -> None:
        """Wait until a part of the phone's state (``status``, ``call?.state``, ``call?.media`` …) is as wanted."""
        tab = page or self.page
        try:
            await tab.wait_for_function(
                f"wanted => (window.callcenterPhone?.state.{part} ?? null) === wanted",
                arg=wanted,
                timeout=seconds * PATIENCE * 1000,
                polling=50,
            )
        except Exception as error:
            state = await tab.evaluate("window.callcenterPhone?.state")
            raise AssertionError(f"{part} is not {wanted!r}: {json.dumps(state)} {self.errors}") from error

    async def say(self, order: str, *arguments: Any, page: Page | None = None) -> Any:
        """Run one of the phone's methods: ``answer``, ``hangUp``, ``mute``, ``keys``, ``test``, ``takeOver``."""
        tab = page or self.page
        return await tab.evaluate("([order, all]) => window.callcenterPhone[order](...all)", [order, list(arguments)])

    async def heard(self, *tones: float) -> set[float]:
        """Which of the tones the page hears just now."""
        levels = await self.page.evaluate("tones => window.callcenterPhone.heard(tones)", list(tones))
        return {tone for tone, level in zip(tones, levels, strict=True) if level is not None and level > LOUD_DB}

    async def hears(self, *tones: float, seconds: float = 8.0) -> None:
        """Wait until the page hears these tones."""

        async def all_of_them() -> bool:
            return await self.heard(*tones) == set(tones)

        await self.center.until(all_of_them, seconds, f"{self.user} to hear {tones}")

    async def stats(self) -> dict[str, Any]:
        """Codec, packets sent, received and lost, jitter (s), as RTCPeerConnection counts them; of a call only."""
        found: dict[str, Any] = await self.page.evaluate("window.callcenterPhone.stats()")
        return found

    # --- the network ---------------------------------------------------------------------------------------

    async def cut(self) -> None:
        """No network for this tab but for audio that flows already: its sockets fall silent, nothing new connects."""
        self.forgiven.append("ERR_INTERNET_DISCONNECTED")
        await self._network(offline=True)

    async def mend(self) -> None:
        """The network is back."""
        await self._network(offline=False)

    async def _network(self, *, offline: bool) -> None:
        await self.context.set_offline(offline)

    async def loses(self, percent: float) -> None:
        """So much of its audio is lost, both ways; all else goes on. To be called before the call too, e.g. with 0."""
        if self._devtools is None:
            self._devtools = await self.context.new_cdp_session(self.page)
            await self._devtools.send("Network.enable")
        # A queue and a rate: without them Chromium lets WebRTC past.
        network = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000}
        loss = {"packetLoss": percent or 0.01, "packetQueueLength": 1000}
        await self._devtools.send("Network.emulateNetworkConditions", {**network, **loss})

    def freeze(self) -> None:
        """The machine is suspended: its sockets stand, and nothing comes from them. The page cannot be asked."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """The machine is back."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in _family(str(self.voice)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def close(self) -> None:
        """Fails for errors that nobody asked for."""
        bad = [error for error in self.errors if not any(word in error for word in self.forgiven)]
        assert not bad, bad


class Console(Protocol):
    """The fixture ``console``: signs somebody in at a Chromium of their own."""

    async def __call__(
        self,
        user: str,
        voice: float | None = 640.0,
        *,
        wait: bool = True,
        language: str = "zh-CN",
        size: tuple[int, int] = (1366, 768),
        microphone: bool = True,
    ) -> Operator: ...


class Consoles:
    """Every operator of one test; `close` ends their browsers."""

    at: str | None = None
    """Where the pages are, e.g. ``https://center.test``; None: at our process itself."""
    flags: tuple[str, ...] = ()
    """More of Chromium's."""
    script = ""
    """Runs in each page before its own."""

    def __init__(self, center: Instance, driver: Playwright) -> None:
        self._center = center
        self._driver = driver
        self._operators: list[Operator] = []
        self._ends = contextlib.AsyncExitStack()

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, center: Instance) -> AsyncIterator[Self]:
        """The consoles of an instance."""
        async with async_playwright() as driver:
            consoles = cls(center, driver)
            async with consoles._ends:
                yield consoles
            for operator in consoles._operators:
                operator.close()

    async def __call__(
        self,
        user: str,
        voice: float | None = 640.0,
        *,
        wait: bool = True,
        language: str = "zh-CN",
        size: tuple[int, int] = (1366, 768),
        microphone: bool = True,
    ) -> Operator:
        center = self._center
        folder = center.folder / f"browser-{len(self._operators)}-{user}"
        folder.mkdir()
        speech = voice_file(folder / "voice.wav", voice)
        browser = await self._driver.chromium.launch(
            executable_path=chromium(),
            args=[*_FLAGS, *self.flags, f"--use-file-for-fake-audio-capture={speech}"],
        )
        self._ends.push_async_callback(browser.close)
        context = await browser.new_context(
            locale=language,
            viewport={"width": size[0], "height": size[1]},
            permissions=["microphone"] if microphone else [],
        )
        kept = {"callcenter.phone.devices": json.dumps({"processing": False}), "callcenter.language": language}
        await context.add_init_script(
            f"for (const [key, value] of Object.entries({json.dumps(kept)})) localStorage[key] ??= value"
        )
        await context.add_init_script(self.script)
        operator = Operator(center, context, user, speech)
        operator.at = self.at or operator.at
        self._operators.append(operator)
        operator.page = await operator.open()
        await operator.sign_in(operator.page)
        if wait:
            await operator.phone("status", "registered")
        return operator


def _family(mark: str) -> list[int]:
    """The process whose command line has the mark, and everything below it."""
    parents: dict[int, int] = {}
    family: list[int] = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            process = int(entry.name)
            parents[process] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if mark in (entry / "cmdline").read_text() and process != os.getpid():
                family.append(process)
    for process in family:
        family += [child for child, parent in parents.items() if parent == process and child not in family]
    return family


def chromium() -> str:
    """Where Chromium is; scripts/test installs it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "Chromium is missing: scripts/test installs it"
    return found


def voice_file(path: Path, frequency: float | None) -> Path:
    """What a microphone plays, again and again: ten seconds of a tone, or of silence."""
    # A whole number of periods, so that its end fits its beginning.
    return write_wav(path, tone(round(frequency or 0), 10, amplitude=16_000 if frequency else 0, rate=RATE), rate=RATE)


def build_console() -> None:
    """Build the page when one of its sources is newer than what was built; of several test runs one does."""
    with (SOURCE / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _stale():
            return
        if not (SOURCE / "node_modules" / "vite").exists():
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=SOURCE, check=True, capture_output=True)
        draft = DIST.with_name(f"dist.{os.getpid()}")
        built = subprocess.run(
            ["npm", "run", "-s", "build"], cwd=SOURCE, env={**os.environ, "CONSOLE_OUT": str(draft)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert built.returncode == 0, built.stdout + built.stderr
        shutil.rmtree(DIST, ignore_errors=True)
        draft.rename(DIST)


def _stale() -> bool:
    index = DIST / "index.html"
    if not index.exists():
        return True
    sources = [path for path in (SOURCE / "src").rglob("*") if path.is_file() and path.name != "schema.gen.ts"]
    sources += [SOURCE / name for name in ("index.html", "package-lock.json", "vite.config.ts")]
    return max(path.stat().st_mtime for path in sources) > index.stat().st_mtime


def spare_address() -> None:
    """See that Asterisk has an address to offer to a browser: it never offers one of 127.0.0.0/8."""
    if own_address() == "127.0.0.1":
        subprocess.run(["ip", "address", "add", _SPARE_ADDRESS, "dev", "lo"], check=False, capture_output=True)


async def pause(seconds: float) -> None:
    """For what is itself a matter of time: a network that is away for ten seconds."""
    await asyncio.sleep(seconds)
