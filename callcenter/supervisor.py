"""`callcenter up`: starts Asterisk and our own process, watches them, ends them in order.

Asterisk and our process outlive a supervisor that is killed: the talk goes on. The next one adopts the Asterisk it
finds and replaces our process. Each is noted in ``run/*.process`` with its start time.
"""

import fcntl
import http
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from callcenter.asterisk_config import Layout, layout
from callcenter.asterisk_process import AsteriskProcess
from callcenter.asterisk_runtime import find_asterisk
from callcenter.errors import Conflict, Unavailable
from callcenter.preparation import Say, check_ports, prepare_config, prepare_data, prepare_database
from callcenter.processes import ProcessRef
from callcenter.settings import Settings
from callcenter.standby import Standby
from callcenter.watchdog.alarm import Alarm

READY_SECONDS = 60.0
HEALTHY_SECONDS = 20.0
"""Who lived this long before it died is started again at once, with no memory of earlier deaths."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
PROBE_EVERY, PROBE_START_EVERY, PROBE_TIMEOUT = 2.0, 0.2, 2.0
HUNG_AFTER = 10
"""Probes without an answer, after which our process is killed and started again; at the second one we say so (R2)."""


class Child:
    """A process to keep alive: Asterisk, or ours."""

    def __init__(self, name: str, pidfile: Path, start: Callable[[], subprocess.Popen[bytes]], say: Say) -> None:
        self.name = name
        self.ref: ProcessRef | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfile = pidfile
        self._start = start
        self._say = say
        self._started_at = 0.0
        self._pause = 0.0
        self._not_before = 0.0

    def start(self) -> None:
        """Start it and note it."""
        self._process = self._start()
        self.ref = ProcessRef.of(self._process.pid)
        self._started_at = time.monotonic()
        if self.ref is not None:
            self.ref.save(self._pidfile)

    def adopt(self) -> bool:
        """Take over the one that an earlier supervisor left running."""
        self.ref = ProcessRef.load(self._pidfile)
        self._started_at = time.monotonic()
        return self.ref is not None

    def alive(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        return self.ref is not None and self.ref.alive()

    def revive(self) -> bool:
        """Start it again if it died; True when it was. After quick deaths with growing pauses."""
        if self.alive():
            return False
        now = time.monotonic()
        if self._started_at:
            lived = now - self._started_at
            self._pause = 0.0 if lived > HEALTHY_SECONDS else min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
            self._not_before = now + self._pause
            self._say(f"! {self.name} ended after {lived:.0f} s; starting it again in {self._pause:.1f} s")
            self._started_at = 0.0
        if now < self._not_before:
            return False
        self.start()
        return True

    def end(self, seconds: float) -> None:
        if self.ref is not None:
            self.ref.end(seconds)
        if self._process is not None:
            self._process.wait()
        self._pidfile.unlink(missing_ok=True)


class HangWatch:
    """Tells a process that hangs from one that has died, or is only starting, by probes (R2)."""

    def __init__(self) -> None:
        self._process: ProcessRef | None = None
        self._seen_at = 0.0
        self.answered = False
        """Whether the process that lives has answered yet."""
        self._silent = 0

    def probed(self, process: ProcessRef | None, answered: bool, now: float) -> int:
        """How many probes in a row this very process has left without an answer, after a probe at monotonic ``now``.

        ``process``: the one that lives; None while there is none. One that never answered yet has
        `READY_SECONDS` to start: killing it in the middle of a long start would only begin that start again.
        """
        if process != self._process:
            self._process, self._seen_at, self.answered, self._silent = process, now, False, 0
        starts = not self.answered and now - self._seen_at < READY_SECONDS
        self._silent = 0 if answered or process is None or starts else self._silent + 1
        self.answered |= answered
        return self._silent


class SeatChanges:
    """Renders Asterisk's configuration again and has it loaded when one of the files that tell of new seats changes."""

    def __init__(self, files: list[Path], log: Path) -> None:
        self._files = files
        self._log = log
        self._seen = self._times()
        self._rendering: subprocess.Popen[bytes] | None = None

    def follow(self) -> None:
        """Look once; a rendering runs beside us, one at a time."""
        if self._rendering is not None and self._rendering.poll() is None:
            return
        self._rendering = None
        now = self._times()
        if now != self._seen:
            self._seen = now
            self._rendering = start_command("render", "--reload", log=self._log)

    def _times(self) -> list[int]:
        return [path.stat().st_mtime_ns if path.exists() else 0 for path in self._files]


class Supervisor:
    """One instance, i.e. one data folder. ``say`` gets one human line at a time, ``show`` the closing summary.

    ``background``: nobody is watching, so the passwords of the demo are not printed (into a log).
    """

    def __init__(self, settings: Settings, say: Say, show: Say, *, background: bool = False) -> None:
        self.settings = settings
        self.say = say
        self.show = show
        self.background = background
        self._asked_to_stop = False
        self._stopping = threading.Event()
        """For the thread that watches for hangs."""
        self._lock: int | None = None

    def run(self) -> None:
        """Start everything and stay until SIGINT or SIGTERM. Raises `CallCenterError` when it cannot start."""
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(sign) is not signal.SIG_IGN:  # nohup
                signal.signal(sign, self._ask_to_stop)
        begun = time.monotonic()
        place = prepare_data(self.settings)
        self._claim(place)
        runtime = find_asterisk()
        self.say(f"database {self.settings.database.partition('://')[0].partition('+')[0]}")
        seats = prepare_database(self.settings, self.say)
        self.say(f"configuration for Asterisk {runtime.version}")
        etc = prepare_config(self.settings, seats, runtime, self.say)

        process = AsteriskProcess(runtime, etc, place.logs / "asterisk.out")
        log = place.logs / "callcenter.log"
        asterisk = Child("Asterisk", place.run / "asterisk.process", process.start, self.say)
        standby = Standby(log)
        serve = Child("callcenter", place.run / "serve.process", standby.take, self.say)
        try:
            adopted = asterisk.adopt()
            if adopted:
                self.say("Asterisk runs already: taken over with its calls, configuration loaded anew")
                process.cli("core reload")
            else:
                asterisk.start()
            # Ours needs longer to load than Asterisk, and waits for it by itself.
            serve.start()
            process.wait_booted()
            self.say("Asterisk is up")
            self._wait_ready(serve, log, patient=adopted)
            if not self._asked_to_stop:
                self.say(f"ready after {time.monotonic() - begun:.1f} s")
                if not self.background:
                    self.show(summary(self.settings))
                self._watch(asterisk, serve, standby)
        finally:
            self.say("stopping")
            standby.end()
            serve.end(10.0)
            asterisk.end(5.0)
            (place.run / "supervisor.process").unlink(missing_ok=True)
            self.say("stopped")

    def _ask_to_stop(self, *_: object) -> None:
        # Not the event itself: its lock may be held by the very code that this signal interrupts, for ever.
        self._asked_to_stop = True

    def _pause(self, seconds: float) -> bool:
        """Wait a moment; whether we are to stop."""
        time.sleep(seconds)
        if self._asked_to_stop:
            self._stopping.set()
        return self._asked_to_stop

    def _claim(self, place: Layout) -> None:
        """Make the instance ours: alone on the data folder, an orphaned process of ours ended, the ports free."""
        self._lock = lock(place.run / "up.lock", self.settings)
        me = ProcessRef.of(os.getpid())
        if me is not None:
            me.save(place.run / "supervisor.process")
        orphan = ProcessRef.load(place.run / "serve.process")
        if orphan is not None:
            self.say("ending the process that an earlier start left behind; its calls go on in Asterisk")
            orphan.end()
        check_ports(self.settings, asterisk=False)
        if ProcessRef.load(place.run / "asterisk.process") is None:
            check_ports(self.settings, asterisk=True)

    def _wait_ready(self, serve: Child, log: Path, *, patient: bool) -> None:
        """Wait for /readyz, which asks for Asterisk but not for the database (A10).

        ``patient``: there may be people talking, so their Asterisk is not ended for our own trouble; say what is wrong
        and go on trying.
        """
        deadline = time.monotonic() + READY_SECONDS
        while not self._pause(0.05):
            status, body = probe(self.settings, "/readyz")
            if status == http.HTTPStatus.OK:
                return
            if serve.alive() and time.monotonic() < deadline:
                continue
            what = f"is not ready ({body[:400] or 'no answer from /readyz'})" if serve.alive() else "ended at once"
            trouble = f"callcenter {what}; the end of {log}:\n{tail(log)}"
            if not patient:
                raise Unavailable(trouble)
            self.say(f"! {trouble}")
            return

    def _watch(self, asterisk: Child, serve: Child, standby: Standby) -> None:
        threading.Thread(target=self._watch_for_hang, args=(serve,), daemon=True).start()
        place = layout(self.settings)
        seats = SeatChanges([place.data / "seats.json", place.render_request], place.logs / "render.log")
        while not self._pause(0.1):
            seats.follow()
            if asterisk.revive():
                self.say("Asterisk was started again")
            if serve.revive():
                self.say("callcenter was started again")
            standby.keep()

    def _watch_for_hang(self, serve: Child) -> None:
        """A process that lives but does not answer takes no calls: say so, and in the end replace it (R2)."""
        watch = HangWatch()
        place = layout(self.settings)
        alarm = Alarm(place.run / "alarm", self.settings.deadman_url, self.say)
        while not self._stopping.wait(PROBE_EVERY if watch.answered else PROBE_START_EVERY):
            process = serve.ref if serve.alive() else None
            status, _ = probe(self.settings, "/healthz")
            alarm.probed(bool(status), time.monotonic())
            silent = watch.probed(process, bool(status), time.monotonic())
            if silent == 2:
                self.say("! callcenter does not answer; new calls are taken by the dialplan's fallback")
            if silent == HUNG_AFTER and process is not None:
                self.say("! callcenter is hung; it is killed and started again")
                process.send(signal.SIGKILL)


def lock(path: Path, settings: Settings) -> int:
    """Hold the instance for as long as we live. Raises `Conflict` when another supervisor does."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        other = ProcessRef.load(path.with_name("supervisor.process"))
        who = f" (process {other.pid})" if other else ""
        raise Conflict(
            f"callcenter runs already on {path.parent.parent}{who}, at {console(settings)}: end it with scripts/down,"
            " or set CALLCENTER_DATA and the ports for a second instance."
        ) from error
    return handle


def start_command(*arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """Start one of our own commands beside us; its log is appended to."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "callcenter.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the supervisor, which ends them in order; and they outlive it.
            start_new_session=True,
        )


def probe(settings: Settings, path: str) -> tuple[int, str]:
    """Status and body of a GET on our own process; status 0 when nobody answers."""
    connection = http.client.HTTPConnection(settings.web_address, settings.http_port, timeout=PROBE_TIMEOUT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(65_536).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def tail(path: Path, lines: int = 15) -> str:
    """The end of a log."""
    text = path.read_text("utf-8", "replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def console(settings: Settings) -> str:
    """Where to click."""
    host = f"[{settings.web_address}]" if ":" in settings.web_address else settings.web_address
    return f"http://{host}:{settings.http_port}/"


def summary(settings: Settings) -> str:
    """Where to click, what to dial, who may sign in."""
    url = console(settings)
    trunk = f"{settings.bind}:{settings.sip_port}"
    lines = [
        "",
        f"  console     {url}console/   (state: {url}, API: {url}api/docs)",
        f"  emergency   sip:{settings.emergency_number}@{trunk}   from the trunk at {settings.trunk_match}",
        f"  hotline     sip:{settings.hotline_number}@{trunk}",
        f"  calls out   {settings.trunk_uri}",
        f"  seats       SIP to {trunk} (UDP, TCP) or {settings.phone_socket(settings.web_address)}",
        f"  data, logs  {settings.data.resolve()}",
    ]
    if settings.demo:
        lines += ["", "  demo seat   web password          SIP password", *_demo_seats(settings)]
    return "\n".join([*lines, ""])


def _demo_seats(settings: Settings) -> list[str]:
    from callcenter.demo import credentials  # noqa: PLC0415

    return [
        f"  {seat['user']:<11} {seat['web_password']:<21} {seat['sip_password'] or '-'}"
        for seat in credentials(settings)["seats"]
    ]


def stop(settings: Settings, say: Say) -> bool:
    """End the instance of this data folder, whoever started it; False when nothing ran."""
    run = settings.data.resolve() / "run"
    supervisor = ProcessRef.load(run / "supervisor.process")
    if supervisor is not None:
        say(f"ending callcenter (process {supervisor.pid})")
        supervisor.end(25.0)
    found = supervisor is not None
    for name in ("serve", "asterisk"):
        left = ProcessRef.load(run / f"{name}.process")
        if left is not None:
            say(f"ending {name} (process {left.pid}), left by a supervisor that was killed")
            left.end()
            found = True
        (run / f"{name}.process").unlink(missing_ok=True)
    return found


def start_detached(settings: Settings, say: Say, show: Say) -> None:
    """Start a supervisor of its own and return when /readyz is 200. Raises `Unavailable` with its words if it fails."""
    place = prepare_data(settings)
    log = place.logs / "up.log"
    os.close(lock(place.run / "up.lock", settings))
    start = log.stat().st_size if log.exists() else 0
    process = start_command("up", "--background", log=log)
    shown = start
    while True:
        ended = process.poll()
        with log.open("rb") as source:
            source.seek(shown)
            new = source.read()
        whole = new[: new.rfind(b"\n") + 1] if ended is None else new
        shown += len(whole)
        text = whole.decode("utf-8", "replace")
        if text:
            show(text.rstrip("\n"))
        if ended is not None:
            raise Unavailable(f"callcenter did not start; its log is {log}")
        if "ready after" in text:
            break
        time.sleep(0.05)
    show(summary(settings))
    say(f"runs in the background as process {process.pid}; scripts/down ends it")
