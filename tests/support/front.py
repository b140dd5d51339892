"""What stands before the product in a real centre: nginx and coturn, each on the product's own file of `deploy/`."""

import asyncio
import base64
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
from pathlib import Path

from callcenter.asterisk_config import REPO
from callcenter.ports import own_address
from callcenter.settings import Settings
from tests.support.ports import free_port
from tests.support.sipp import until

DEPLOY = REPO / "deploy"
NAME = "center.test"
_OTHER = "127.0.0.2"
"""In place of all IPv6 addresses, which not every machine has."""


class Certificate:
    """A self-signed certificate for `NAME` and 127.0.0.1, made here and now."""

    def __init__(self, folder: Path) -> None:
        self.key, self.file = folder / "tls.key", folder / "tls.pem"
        _run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1",
            "-keyout", str(self.key), "-out", str(self.file),
        )  # fmt: skip
        public = _run("openssl", "x509", "-in", str(self.file), "-noout", "-pubkey")
        der = subprocess.run(
            ["openssl", "pkey", "-pubin", "-outform", "der"], input=public, capture_output=True, check=True
        )
        self.pin = base64.b64encode(hashlib.sha256(der.stdout).digest()).decode()
        """Of its key, as Chromium's --ignore-certificate-errors-spki-list wants it."""

    def trust(self) -> ssl.SSLContext:
        """For a client that trusts it and nothing else."""
        return ssl.create_default_context(cafile=str(self.file))


class Nginx:
    """nginx on ``deploy/nginx.conf``, of which ports, name and the places of files are changed."""

    def __init__(self, folder: Path, settings: Settings, port: int) -> None:
        self.folder = folder / "nginx"
        self.folder.mkdir()
        self.certificate = Certificate(self.folder)
        self.port = port
        self.plain_port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        own = _changed(
            DEPLOY / "nginx.conf",
            {
                "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
                "listen [::]:80;": f"listen {_OTHER}:{self.plain_port};",
                "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
                "listen [::]:443 ssl;": f"listen {_OTHER}:{port} ssl;",
                "center.example": NAME,
                "/etc/callcenter/tls.pem": str(self.certificate.file),
                "/etc/callcenter/tls.key": str(self.certificate.key),
                "127.0.0.1:8000": f"127.0.0.1:{settings.http_port}",
                "127.0.0.1:8088": f"127.0.0.1:{settings.ws_port}",
                "/var/log/nginx/": f"{self.folder}/",
            },
        )
        (self.folder / "callcenter.conf").write_text(own)
        paths = "".join(
            f"{kind}_temp_path {self.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.folder / "nginx.conf").write_text(
            f"{'' if os.getuid() else 'user root;'}\ndaemon off; worker_processes 1; pid {self.folder}/nginx.pid;\n"
            f"error_log {self.folder}/error.log;\nevents {{}}\n"
            f"http {{\n{paths}include {self.folder}/callcenter.conf;\n}}\n"
        )

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}"

    @property
    def flags(self) -> tuple[str, ...]:
        """What Chromium needs to find it under its name and to trust its certificate."""
        pin = f"--ignore-certificate-errors-spki-list={self.certificate.pin}"
        return (f"--host-resolver-rules=MAP {NAME} 127.0.0.1", pin)

    async def start(self) -> None:
        """Start it and wait until it answers."""
        log = self.folder / "error.log"
        self.process = _started(self.folder, "nginx", "-e", str(log), "-c", str(self.folder / "nginx.conf"))
        await _listens(self.process, self.port, log)

    async def reload(self) -> None:
        """As `systemctl reload nginx` does; returns when new connections come to a new worker."""
        assert self.process is not None
        before = _children(self.process.pid)
        self.process.send_signal(signal.SIGHUP)
        await until(lambda: _children(self.process.pid if self.process else 0) - before, 5, "a new worker of nginx")

    async def stop(self) -> None:
        """As `systemctl stop nginx` does: every connection is cut."""
        await _end(self.process)
        self.process = None

    def log(self) -> str:
        """What it wrote about requests."""
        return (self.folder / "callcenter.log").read_text()


class Coturn:
    """coturn on ``deploy/turnserver.conf``, of which ports, secret and Asterisk's address are changed."""

    def __init__(self, folder: Path, secret: str) -> None:
        self.folder = folder / "turn"
        self.folder.mkdir()
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        own = _changed(
            DEPLOY / "turnserver.conf",
            {
                "listening-port=3478": f"listening-port={self.port}\nlistening-ip={own_address()}",
                "realm=center.example": f"realm={NAME}",
                "CHANGE-ME": secret,
                "allowed-peer-ip=10.0.0.5": f"allowed-peer-ip={own_address()}",
                "syslog\n": "log-file=stdout\n",
            },
        )
        extra = f"pidfile={self.folder}/pid\nuserdb={self.folder}/db\n"
        (self.folder / "turnserver.conf").write_text(own + extra)

    async def tried(self, peer: str, user: str, password: str) -> str:
        """What coturn's own client says of sending something to a peer through it."""
        client = await asyncio.create_subprocess_exec(
            *(_program("turnutils_uclient"), "-v", "-c", "-n", "1", "-m", "1", "-u", user, "-w", password),
            *("-p", str(self.port), "-e", peer, own_address()),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(client.communicate(), 60)
        return said.decode("utf-8", "replace")

    def url(self, transport: str) -> str:
        return f"turn:{own_address()}:{self.port}?transport={transport}"

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = _started(self.folder, "turnserver", "-c", str(self.folder / "turnserver.conf"))
        await _listens(self.process, self.port, self.folder / "turnserver.out", own_address())

    async def stop(self) -> None:
        await _end(self.process)
        self.process = None


def _changed(file: Path, changes: dict[str, str]) -> str:
    """A file of `deploy/` for a test; a change that finds nothing to change is an error."""
    text = file.read_text("utf-8")
    for what, by in changes.items():
        assert what in text, f"{file.name} no longer holds {what!r}"
        text = text.replace(what, by)
    return text


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is missing: scripts/test installs it"
    return found


def _run(*command: str) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout


def _children(process: int) -> set[str]:
    with contextlib.suppress(OSError):
        return set(Path(f"/proc/{process}/task/{process}/children").read_text().split())
    return set()


def _started(folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.out").open("ab") as output:
        return subprocess.Popen(
            [_program(name), *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


async def _listens(process: subprocess.Popen[bytes], port: int, log: Path, address: str = "127.0.0.1") -> None:
    def answers() -> bool:
        assert process.poll() is None, log.read_text("utf-8", "replace")
        with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
            return True
        return False

    await until(answers, 10, f"a server on port {port}")


async def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)
