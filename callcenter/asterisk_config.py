"""Asterisk's configuration, rendered from the settings and the seats, tried before it replaces the one in force (R24).

Below CALLCENTER_DATA: ``asterisk/etc`` is a link to the configuration in force in ``asterisk/etc.d``; ``share`` holds
the prompts, ``music`` what waiting callers hear. Nothing is written elsewhere, but what the fallback has to tell while
the disk takes nothing (`callcenter.fallback.intake.spare`).
"""

import hashlib
import ipaddress
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from callcenter.accounts.passwords import SIP_REALM
from callcenter.accounts.secrets import secrets_dir, write_once
from callcenter.accounts.web_phones import web_phone_ha1
from callcenter.asterisk_dialplan import missing
from callcenter.asterisk_process import AsteriskProcess
from callcenter.asterisk_runtime import AsteriskRuntime
from callcenter.asterisk_values import (
    SeatAccount,
    bracketed,
    checked_number,
    checked_seat,
    host_and_port,
    networks,
    own_host,
    safe,
    trunk_host,
)
from callcenter.errors import InvalidInput, Unavailable
from callcenter.fallback.intake import spare
from callcenter.hold_music import write_hold_music
from callcenter.ports import free_ports, own_address
from callcenter.settings import Settings
from callcenter.telephony.endpoints import web_endpoint

REPO = Path(__file__).resolve().parent.parent
TEMPLATES = REPO / "asterisk"
DIALPLAN = REPO / "dialplan"
SOUNDS = REPO / "asterisk" / "sounds" / "zh"

DUTY_ROLES = ("operator", "supervisor")
"""Whose phones the fallback dialplan rings, and who may have one in the browser."""

AGI_DEADLINE_SECONDS = 1.0
"""How long the dialplan waits for the controller before it goes on by itself (R2)."""

RINGING_AT_ONCE = 5
"""How many callers ring the duty desk at a time in the fallback."""

LEASE_SECONDS, COMPANY_SECONDS = 6, 30
"""How long a caller stays alone in her room without a word from the controller (R1); how often she is asked, when its
last word is over, whether she is still in company."""

MUSIC = {
    "cc-emergency": ("greeting", "@music", "hold-on", "@music", "@music", "hold-on", "@music", "@music"),
    "cc-hotline": ("connecting", "@music", "@music", "@music", "@music", "@music", "@music"),
}
"""What those who wait hear, in order, again and again; ``@music`` is the synthesised music."""

_RUN_SOCKET_LENGTH = 100
"""A Unix socket's path may be 107 bytes long (sun_path, unix(7)); ``/asterisk.ctl`` is a part of it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an instance keeps what belongs to Asterisk."""

    data: Path

    @property
    def home(self) -> Path:
        return self.data / "asterisk"

    @property
    def etc(self) -> Path:
        """The configuration in force; absent before the first rendering."""
        return self.home / "etc"

    @property
    def logs(self) -> Path:
        return self.data / "log"

    @property
    def run(self) -> Path:
        """Where process ids and the control socket lie."""
        return self.data / "run"

    @property
    def render_request(self) -> Path:
        """Touch it when a seat or its SIP password has changed: the supervisor renders and reloads within a second."""
        return self.run / "render.request"

    @property
    def socket_dir(self) -> Path:
        """``run``, or a short private folder where the data folder's path is too long for a socket."""
        if len(os.fsencode(self.run)) <= _RUN_SOCKET_LENGTH - len("/asterisk.ctl"):
            return self.run
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"callcenter-{os.getuid()}-{name}"


def layout(settings: Settings) -> Layout:
    """The folders of this instance, absolute."""
    return Layout(settings.data.resolve())


def ami_secret(settings: Settings) -> str:
    """The AMI password, made at first use."""
    path = secrets_dir(settings) / "ami"
    if not path.exists():
        write_once(path, secrets.token_urlsafe(24).encode())
    return path.read_text("ascii")


def synthetic_account(settings: Settings) -> tuple[str, str]:
    """The watchdog's SIP user name and password, made at first use; nobody else can know even the name."""
    path = secrets_dir(settings) / "synthetic"
    if not path.exists():
        write_once(path, f"press-{secrets.token_hex(8)} {secrets.token_hex(24)}".encode())
    user, _, password = path.read_text("ascii").partition(" ")
    return user, password


def render(
    settings: Settings,
    seats: Sequence[SeatAccount],
    runtime: AsteriskRuntime,
    *,
    rehearse: bool = True,
    verbose: bool = False,
    extra_modules: Sequence[str] = (),
    dialplan: Sequence[Path] | None = None,
) -> Path:
    """Write the configuration and put it in force; returns its folder (Asterisk is told to reload by the caller).

    ``rehearse``: a changed configuration first has to start a second Asterisk on free ports without a warning.
    ``verbose``: log every dialplan step too (it holds numbers: for tests). ``dialplan``: files in place of the
    product's own. Raises `InvalidInput` where a value could inject configuration or the rehearsal fails; what was in
    force stays so.
    """
    place = layout(settings)
    paths = list(dialplan) if dialplan is not None else _dialplan()
    files = files_of(settings, seats, runtime, paths, verbose=verbose, extra_modules=extra_modules)
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        digest.update(f"{name}\0{text}\0".encode())
    for path in paths:
        digest.update(path.read_bytes())
    target = place.home / "etc.d" / digest.hexdigest()[:16]
    _prepare(settings, runtime)
    if not target.exists():
        if rehearse:
            _rehearse(settings, seats, runtime, paths, extra_modules)
        _write(files, target)
    swap = place.home / f"etc.{os.getpid()}"
    swap.unlink(missing_ok=True)
    swap.symlink_to(target)
    swap.replace(place.etc)
    _forget_old(target)
    return place.etc


def _dialplan() -> list[Path]:
    """The product's own."""
    return sorted(DIALPLAN.glob("*.conf"))


def files_of(
    settings: Settings,
    seats: Sequence[SeatAccount],
    runtime: AsteriskRuntime,
    dialplan: Sequence[Path] | None = None,
    *,
    verbose: bool = False,
    extra_modules: Sequence[str] = (),
) -> dict[str, str]:
    """Every file of the configuration by name; arguments and errors as of `render`."""
    place = layout(settings)
    dialplan = dialplan if dialplan is not None else _dialplan()
    for path in (place.data, runtime.modules, *dialplan):
        safe("path", str(path))
    bind_host = bracketed(settings.bind)
    bind = ipaddress.ip_address(settings.bind)
    values: dict[str, object] = {
        "etc": place.etc,
        "modules": runtime.modules,
        "lib": place.home / "lib",
        "share": place.home / "share",
        "spool": place.home / "spool",
        "run": place.socket_dir,
        "logs": place.logs,
        "web_bind": settings.web_address,
        "control_bind": settings.control_bind,
        "bind_host": bind_host,
        # Audio too stays on our own address, unless that is "all of them".
        "media_address": "" if bind.is_unspecified else settings.bind,
        "web_media_address": "" if bind.is_unspecified or bind.is_loopback else settings.bind,
        "media_address_outside": settings.media_address,
        "own_address": own_address() if bind.is_unspecified or bind.is_loopback else settings.bind,
        "sip_port": settings.sip_port,
        "ami_port": settings.ami_port,
        "ws_port": settings.ws_port,
        "rtp_start": settings.rtp_start,
        "rtp_end": settings.rtp_end,
        "realm": SIP_REALM,
        "ami_secret": ami_secret(settings),
        "available": {path.stem for path in runtime.modules.glob("*.so")},
        "knows_request_uri": runtime.knows_request_uri,
        "extra_modules": list(extra_modules),
        "own_host": own_host(settings.bind),
        "synthetic_user": (synthetic := synthetic_account(settings))[0],
        "synthetic_password": synthetic[1],
        "trunk_uri": safe("CALLCENTER_TRUNK_URI", settings.trunk_uri),
        "trunk_host": trunk_host(settings.trunk_uri),
        "trunk2_uri": safe("CALLCENTER_TRUNK2_URI", settings.trunk2_uri),
        "trunk2_host": trunk_host(settings.trunk2_uri) if settings.trunk2_uri else "",
        "trunk_match": networks(settings.trunk_match),
        "seat_rewrite_contact": settings.seat_rewrite_contact,
        "seats": [checked_seat(seat) for seat in sorted(seats, key=lambda seat: seat.user)],
        "web_phones": [
            {
                "endpoint": web_endpoint(seat.user),
                "seat": seat.user,
                "ha1": web_phone_ha1(settings, seat.user, seat.phone_word),
            }
            for seat in sorted(seats, key=lambda seat: seat.user)
            if seat.role in DUTY_ROLES
        ],
        "music": {name: place.home / "music" / name for name in MUSIC},
        "globals": _globals(settings, seats),
        "dialplan": dialplan,
        "verbose": verbose,
    }
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  not HTML; every value is judged above
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    files = {
        template.removesuffix(".j2"): environment.get_template(template).render(values)
        for template in environment.list_templates(extensions=["j2"])
    }
    # Asterisk complains of files that are not there, even of parts that are switched off.
    empty = "; Nothing to set: the defaults are right, the file keeps Asterisk from asking for it.\n"
    names = ("ccss", "cel", "cli_aliases", "features", "pjproject", "udptl")
    return {f"{name}.conf": f"{empty}[general]\n" for name in names} | {"acl.conf": empty} | files


def _globals(settings: Settings, seats: Sequence[SeatAccount]) -> Mapping[str, str]:
    """The dialplan's CC_* globals."""
    trunk = host_and_port(settings.trunk_uri)
    # Of the phones of a seat those ring that are registered.
    on_duty = [phone for user in _on_duty(seats) for phone in (user, web_endpoint(user))]
    values = {
        "CC_AGI": f"agi://{bracketed(settings.control_bind)}:{settings.agi_port}",
        "CC_AGI_DEADLINE": f"{AGI_DEADLINE_SECONDS:g}",
        "CC_LEASE": f"{LEASE_SECONDS}",
        "CC_COMPANY": f"{COMPANY_SECONDS}",
        "CC_EMERGENCY": settings.emergency_number,
        "CC_WS_PORT": str(settings.ws_port),
        "CC_DUTY_DESK": "&".join(f"PJSIP/{phone}" for phone in on_duty),
        "CC_DUTY_NUMBERS": "&".join(f"PJSIP/trunk/sip:{checked_number(n)}@{trunk}" for n in settings.duty_numbers),
        "CC_DESK_TURNS": str(RINGING_AT_ONCE),
        "CC_RECORDINGS": str(settings.recordings_dir),
        "CC_SPOOL": f"{settings.spool_dir}/",
        "CC_SPARE_SPOOL": spare(settings.spool_dir),
    }
    return {name: safe(name, value) for name, value in values.items()}


def _on_duty(seats: Sequence[SeatAccount]) -> list[str]:
    """Who takes calls, by user name."""
    return sorted(seat.user for seat in seats if seat.role in DUTY_ROLES)


def _prepare(settings: Settings, runtime: AsteriskRuntime) -> None:
    """Make the folders that Asterisk expects, its prompts and music."""
    place = layout(settings)
    share = place.home / "share"
    for folder in (place.home / "etc.d", place.home / "lib" / "keys", place.home / "spool", place.logs, place.run):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (share / "sounds", share / "agi-bin", settings.recordings_dir):
        folder.mkdir(parents=True, exist_ok=True)
    # Asterisk writes there who called, readable as its umask says.
    settings.spool_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The script of earlier releases.
    (share / "agi-bin" / "spool").unlink(missing_ok=True)
    place.socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if place.socket_dir.stat().st_uid != os.getuid():
        raise Unavailable(f"{place.socket_dir} belongs to somebody else: choose a CALLCENTER_DATA with a shorter path.")
    if runtime.documentation is not None:
        _link(share / "documentation", runtime.documentation)
    _link(share / "sounds" / "zh", SOUNDS)
    # Uploaded prompts: played as custom/custom-….
    (place.data / "prompts").mkdir(exist_ok=True)
    _link(share / "sounds" / "custom", place.data / "prompts")
    music = place.home / "music"
    music.mkdir(exist_ok=True)
    if not (music / "music.wav").exists():
        temporary = music / f"music.{os.getpid()}.wav"
        write_hold_music(temporary)
        temporary.replace(music / "music.wav")
    for name, parts in MUSIC.items():
        (music / name).mkdir(exist_ok=True)
        wanted = {}
        for number, part in enumerate(parts, 1):
            prompt = SOUNDS / f"{part}.wav"
            # A prompt that is missing costs her a sentence, not the line.
            wanted[f"{number:02}-{part.removeprefix('@')}.wav"] = prompt if prompt.exists() else music / "music.wav"
        for link, source in wanted.items():
            _link(music / name / link, source)
        for link in {path.name for path in (music / name).iterdir()} - wanted.keys():
            (music / name / link).unlink()


def _rehearse(
    settings: Settings,
    seats: Sequence[SeatAccount],
    runtime: AsteriskRuntime,
    dialplan: Sequence[Path],
    extra_modules: Sequence[str],
) -> None:
    """Start a second Asterisk on the new configuration and free ports; any warning or error of it is a refusal."""
    with tempfile.TemporaryDirectory(prefix="callcenter-try-") as folder:
        sip, ami, ws = free_ports(3)
        trial = settings.model_copy(
            update=dict.fromkeys(("bind", "web_bind", "control_bind"), "127.0.0.1")
            | {"data": Path(folder), "sip_port": sip, "ami_port": ami, "ws_port": ws}
        )
        place = layout(trial)
        _prepare(trial, runtime)
        _write(files_of(trial, seats, runtime, dialplan, verbose=False, extra_modules=extra_modules), place.etc)
        asterisk = AsteriskProcess(runtime, place.etc, place.logs / "asterisk.out")
        try:
            asterisk.start()
            asterisk.wait_booted()
            lacking = missing([path.read_text("utf-8") for path in dialplan], asterisk.cli, _absent(runtime))
            # A section of a kind that SIP does not know is passed over in silence, and the trunk's calls with it.
            shown = asterisk.cli("pjsip show endpoints")
            phones = [*(seat.user for seat in seats), *(web_endpoint(user) for user in _on_duty(seats))]
            known = ("Identify:  trunk/trunk", *(f"Endpoint:  {phone}" for phone in phones))
            lacking += [f"SIP has no {one}" for one in known if one not in shown]
        except Unavailable as error:
            raise InvalidInput(f"The new Asterisk configuration does not start: {error.message}") from error
        finally:
            asterisk.stop()
        messages = place.logs / "messages"
        lines = messages.read_text("utf-8", "replace").splitlines() if messages.exists() else []
        complaints = lacking + [line for line in lines if re.search(r"\b(?:WARNING|ERROR)\[", line)]
        if complaints:
            told = "; ".join(re.sub(r"^\[[^]]*\] ", "", line) for line in complaints[:3])
            raise InvalidInput(f"The new Asterisk configuration is refused, what was in force stays: {told}")


def _absent(runtime: AsteriskRuntime) -> set[str]:
    """Modules that are good to have and that this Asterisk came without."""
    wanted = re.findall(r'"((?:app|func)_\w+)"', (TEMPLATES / "modules.conf.j2").read_text("utf-8"))
    return set(wanted) - {path.stem for path in runtime.modules.glob("*.so")}


def _write(files: Mapping[str, str], target: Path) -> None:
    """Write all files or none; they hold the AMI secret and the seats' HA1, so only their owner reads them."""
    temporary = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o700, parents=True)
    for name, text in files.items():
        (temporary / name).touch(mode=0o600)
        (temporary / name).write_text(text, "utf-8")
    temporary.rename(target)


def _forget_old(current: Path, keep: int = 5) -> None:
    """Keep the last few configurations for whoever looks for what changed."""
    others = [path for path in current.parent.iterdir() if path != current]
    for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[keep:]:
        shutil.rmtree(path, ignore_errors=True)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
