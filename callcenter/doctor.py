"""`callcenter doctor`: every part looked at, each trouble with its remedy; works whether anything runs or not."""

import asyncio
import importlib.metadata
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection

from callcenter import migrations
from callcenter.asterisk_config import REPO, SOUNDS, ami_secret, layout
from callcenter.asterisk_in_force import outdated
from callcenter.asterisk_process import AsteriskProcess
from callcenter.asterisk_runtime import AsteriskRuntime, find_asterisk
from callcenter.asterisk_values import trunk_host
from callcenter.db import Database
from callcenter.errors import CallCenterError
from callcenter.notifications import gateway
from callcenter.preparation import DATABASE_TROUBLE, check_ports, prepare_data
from callcenter.processes import ProcessRef
from callcenter.settings import Settings
from callcenter.supervisor import probe

OLDEST_YEAR = 2025
SCRIPT_SETTINGS = {"CALLCENTER_CACHE", "CALLCENTER_ASTERISK_SUITE"}
"""What only the scripts read."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``failed`` and ``essential``: the product cannot do its work; ``remedy`` says what to do."""

    name: str
    failed: bool
    detail: str
    remedy: str = ""
    essential: bool = True

    def to_dict(self) -> dict[str, object]:
        """For ``--json``."""
        return asdict(self)


def report(checks: list[Check]) -> str:
    """The findings for a human."""
    lines = []
    for check in checks:
        mark = "✓" if not check.failed else "✗" if check.essential else "!"
        lines.append(f"{mark} {check.name:<14} {check.detail}")
        if check.failed and check.remedy:
            lines.append(f"  {'':<14} → {check.remedy}")
    bad = sum(check.failed and check.essential for check in checks)
    lines.append(
        f"\n{bad} essential part{'s' if bad != 1 else ''} out of order." if bad else "\nNothing essential is wrong."
    )
    return "\n".join(lines)


def examine(settings: Settings) -> list[Check]:
    """Look at every part, the ground first."""
    parts: list[Callable[[Settings], Iterator[Check]]] = [
        _python,
        _packages,
        _settings,
        _data,
        _clock,
        _prompts,
        _asterisk,
        _database,
        _redis,
        _messages,
        _trunk,
        _running,
    ]
    return [check for part in parts for check in part(settings)]


def _python(_: Settings) -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", sys.version_info < (3, 11), version, "Install Python 3.11 or newer and run scripts/up.")


def _packages(_: Settings) -> Iterator[Check]:
    wrong, count = [], 0
    for line in (REPO / "requirements.lock").read_text("utf-8").splitlines():
        # Those with a marker are for other systems.
        found = re.match(r"([a-z0-9.-]+)==(\S+) \\$", line)
        if not found:
            continue
        count += 1
        try:
            version = importlib.metadata.version(found[1])
        except importlib.metadata.PackageNotFoundError:
            version = "none"
        if version != found[2]:
            wrong.append(f"{found[1]} {version} instead of {found[2]}")
    detail = f"{count} as locked" if not wrong else "; ".join(wrong[:5])
    yield Check("packages", bool(wrong), detail, "Run scripts/up: it installs what requirements.lock says.")


def _settings(_: Settings) -> Iterator[Check]:
    try:
        lines = Path(".env").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    unknown = unknown_settings([*os.environ, *(line.partition("=")[0] for line in lines)])
    remedy = "They have no effect. Mend the spelling: scripts/callcenter settings prints every name."
    detail = f"not known: {', '.join(unknown)}" if unknown else "every name is known"
    yield Check("settings", bool(unknown), detail, remedy, essential=False)


def unknown_settings(names: Iterable[str]) -> list[str]:
    """Those that begin with CALLCENTER_ and that nothing reads: an on-call number misspelt is one nobody rings."""
    known = {f"CALLCENTER_{name.upper()}" for name in Settings.model_fields} | SCRIPT_SETTINGS
    given = {name.strip().removeprefix("export ").strip().upper() for name in names}
    return sorted(name for name in given if name.startswith("CALLCENTER_") and name not in known)


def _data(settings: Settings) -> Iterator[Check]:
    place = layout(settings)
    try:
        prepare_data(settings)
        settings.recordings_dir.mkdir(parents=True, exist_ok=True)
    except (CallCenterError, OSError) as error:
        yield Check("data folder", True, str(error), "Set CALLCENTER_DATA to a folder that can be written.")
        return
    yield Check("data folder", False, str(place.data))
    free = shutil.disk_usage(place.data).free
    yield Check(
        "disk",
        free < settings.disk_low_mb << 20,
        f"{free / (1 << 30):.1f} GiB free",
        "Make room, or move CALLCENTER_DATA to a larger disk: calls go on without it, recordings do not.",
        essential=free < settings.disk_full_mb << 20,
    )
    writable = os.access(settings.recordings_dir, os.W_OK)
    yield Check("recordings", not writable, str(settings.recordings_dir), "Make it writable for this user.")


def _clock(_: Settings) -> Iterator[Check]:
    now = datetime.now(UTC)
    local = now.astimezone(ZoneInfo("Asia/Shanghai"))
    yield Check("clock", now.year < OLDEST_YEAR, f"{local:%F %T} in Shanghai", "Set the clock, best by NTP.")


def _prompts(_: Settings) -> Iterator[Check]:
    try:
        names = json.loads((SOUNDS / "prompts.json").read_text("utf-8"))["prompts"]
    except (OSError, ValueError, KeyError) as error:
        yield Check("prompts", True, f"the list of prompts cannot be read: {error}", "Restore asterisk/sounds/zh.")
        return
    missing = [name for name in names if not (SOUNDS / f"{name}.wav").exists()]
    detail = f"{len(names)} prompts" if not missing else f"missing: {', '.join(missing[:8])}"
    yield Check("prompts", bool(missing), detail, "Restore asterisk/sounds/zh from the repository.")


def _asterisk(settings: Settings) -> Iterator[Check]:
    try:
        runtime = find_asterisk()
    except CallCenterError as error:
        yield Check("asterisk", True, error.message, "Run scripts/up.")
        return
    yield Check("asterisk", False, f"{runtime.version} at {runtime.command[-1]}")
    template = (REPO / "asterisk" / "modules.conf.j2").read_text("utf-8")
    required = re.findall(r'"(\w+)"', template.partition("require =")[0])
    missing = [name for name in required if not (runtime.modules / f"{name}.so").exists()]
    detail = f"{len(required)} required ones in {runtime.modules}" if not missing else f"missing: {', '.join(missing)}"
    yield Check(
        "modules", bool(missing), detail, "Use an Asterisk that has them; without one on PATH, scripts/up does."
    )
    yield from _in_force(settings, runtime)
    yield from _phones(settings, runtime)


def _in_force(settings: Settings, runtime: AsteriskRuntime) -> Iterator[Check]:
    """A setting that was changed and that the Asterisk which runs has never heard of."""
    if not layout(settings).etc.exists():
        return
    try:
        changed = outdated(settings, runtime)
    except (CallCenterError, OSError) as error:
        yield Check("configuration", True, str(error), "Run callcenter render --reload.")
        return
    detail = f"other than the settings: {', '.join(changed[:5])}" if changed else "as the settings say"
    remedy = "Run callcenter render --reload; a changed port needs scripts/down and scripts/up."
    yield Check("configuration", bool(changed), detail, remedy)


def _phones(settings: Settings, runtime: AsteriskRuntime) -> Iterator[Check]:
    place = layout(settings)
    if ProcessRef.load(place.run / "asterisk.process") is None:
        return
    try:
        listed = AsteriskProcess(runtime, place.etc, place.logs / "asterisk.out").cli("pjsip show contacts")
    except CallCenterError as error:
        yield Check("control", True, error.message, "Look into the data folder's log/messages.")
        return
    seats = registered_seats(listed)
    yield Check(
        "seat phones",
        not seats,
        f"registered: {', '.join(seats) or 'none'}",
        "Register a softphone as a seat (scripts/callcenter demo credentials): without one only the on-call"
        " numbers can be reached.",
        essential=False,
    )


def registered_seats(listed: str) -> list[str]:
    """The seats in what Asterisk says to "pjsip show contacts".

    The trunks and the watchdog's test seat have fixed addresses: they are listed too, and no human sits there.
    """
    return sorted(set(re.findall(r"Contact:\s+([a-z0-9_-]+)/sip", listed)) - {"trunk", "trunk2", "synthetic"})


def _database(settings: Settings) -> Iterator[Check]:
    remedy = "Start it or mend CALLCENTER_DATABASE_URL; emergencies are answered and journalled meanwhile."

    def current(connection: Connection) -> set[str]:
        return set(MigrationContext.configure(connection).get_current_heads())

    async def look() -> set[str]:
        database = Database(settings.database)
        try:
            async with database.engine.connect() as connection:
                return await connection.run_sync(current)
        finally:
            await database.close()

    kind = settings.database.partition("://")[0].partition("+")[0]
    if kind == "sqlite" and not settings.database_url and not (layout(settings).data / "callcenter.db").exists():
        yield Check("database", True, "not made yet", "scripts/up makes it.", essential=False)
        return
    try:
        heads = asyncio.run(asyncio.wait_for(look(), 5))
    except DATABASE_TROUBLE as error:
        yield Check("database", True, f"{kind} does not answer ({type(error).__name__})", remedy)
        return
    wanted = set(ScriptDirectory.from_config(migrations.config()).get_heads())
    yield Check("database", False, f"{kind} answers")
    yield Check("migrations", heads != wanted, "up to date" if heads == wanted else "behind", "Run callcenter migrate.")


def _messages(settings: Settings) -> Iterator[Check]:
    names = ", ".join(settings.message_channels)
    try:
        if "gateway" in settings.message_channels:
            gateway.load(Path(settings.message_gateway))
    except CallCenterError as error:
        yield Check("messages", True, error.message, "Mend the file; texts go by the other channels.", essential=False)
        return
    if "twilio" in names and not settings.public_url:
        remedy = "Set CALLCENTER_PUBLIC_URL to where Twilio reaches this API."
        yield Check("messages", True, f"{names}; Twilio cannot report deliveries", remedy, essential=False)
        return
    yield Check("messages", False, names or "no channel: people outside are called, and not texted")


def _redis(settings: Settings) -> Iterator[Check]:
    if not settings.redis_url:
        return
    try:
        with Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2) as redis:
            redis.ping()
    except (RedisError, ValueError) as error:
        yield Check(
            "redis",
            True,
            f"does not answer ({type(error).__name__})",
            "Start it or mend CALLCENTER_REDIS_URL; calls go on, live pages of other processes do not.",
            essential=False,
        )
        return
    yield Check("redis", False, "answers")


def _trunk(settings: Settings) -> Iterator[Check]:
    host = trunk_host(settings.trunk_uri)
    try:
        address = socket.getaddrinfo(host, None)[0][4][0]
    except OSError as error:
        yield Check("trunk", True, f"{host}: {error.strerror}", "Mend CALLCENTER_TRUNK_URI or the name service.")
        return
    yield Check("trunk", False, f"{settings.trunk_uri} ({address})")


def _running(settings: Settings) -> Iterator[Check]:
    """The ports: ours when an instance runs, free when none does."""
    run = layout(settings).run
    instance = ProcessRef.load(run / "supervisor.process")
    if instance is None and (served := ProcessRef.load(run / "serve.process")) is not None:
        detail = f"process {served.pid} answers calls, and nobody watches over it"
        yield Check("running", True, detail, "scripts/up takes it over with its calls.", essential=False)
        return
    if instance is None:
        yield Check("running", True, "nothing runs on this data folder", "scripts/up starts it.", essential=False)
        left = ProcessRef.load(run / "asterisk.process")
        for asterisk in (True, False) if left is None else (False,):
            try:
                check_ports(settings, asterisk=asterisk)
            except CallCenterError as error:
                yield Check("ports", True, error.message)
        return
    yield Check("running", False, f"process {instance.pid}")
    yield from _alarm(run)
    status, body = probe(settings, "/readyz")
    ready = status == 200
    detail = "ready" if ready else body[:300] or "no answer"
    yield Check("readiness", not ready, detail, "Look into the data folder's log/callcenter.log.")
    if status:
        wrong = json.loads(body)["parts"].get("watchdog", {}).get("findings", [])
        remedy = "GET /api/v1/watchdog says more of each."
        yield Check("watchdog", bool(wrong), ", ".join(wrong[:8]) or "finds nothing wrong", remedy, essential=False)
    yield Check(
        "fastagi",
        not _answers(settings.control_bind, settings.agi_port),
        f"port {settings.agi_port}",
        "The controller does not take calls; the dialplan's fallback does. Look into log/callcenter.log.",
    )
    yield Check("ami", not _ami_login(settings), f"port {settings.ami_port}", "Run callcenter render --reload.")


def _alarm(run: Path) -> Iterator[Check]:
    """What the supervisor found of our process."""
    alarm = run / "alarm"
    if alarm.exists():
        yield Check("alarm", True, alarm.read_text("utf-8").strip(), "Look into the data folder's log/callcenter.log.")


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 2).close()
    except OSError:
        return False
    return True


def _ami_login(settings: Settings) -> bool:
    request = f"Action: Login\r\nUsername: callcenter\r\nSecret: {ami_secret(settings)}\r\nEvents: off\r\n\r\n"
    try:
        with socket.create_connection((settings.control_bind, settings.ami_port), 2) as link:
            link.settimeout(2)
            link.sendall(request.encode())
            said = b""
            while b"\r\n\r\n" not in said and (more := link.recv(4096)):
                said += more
    except OSError:
        return False
    return b"Response: Success" in said
