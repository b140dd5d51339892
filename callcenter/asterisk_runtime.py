"""Which Asterisk runs here: one on PATH if it is new enough, else the one `scripts/up` unpacked into the cache."""

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from callcenter.errors import Unavailable

OLDEST_MAJOR = 20
"""What we run on is tried with 22 LTS; 20 LTS has all that is used."""

_TRIPLETS = {"x86_64": "x86_64-linux-gnu", "aarch64": "aarch64-linux-gnu", "armv7l": "arm-linux-gnueabihf"}


@dataclass(frozen=True, slots=True)
class AsteriskRuntime:
    """A usable Asterisk.

    ``command``: what to run, without arguments. ``modules``: its module folder. ``documentation``: its XML
    documentation, without which it will not register its own applications' options; None where it is not installed.
    """

    command: tuple[str, ...]
    version: str
    modules: Path
    documentation: Path | None

    @property
    def major(self) -> int:
        """The major release, e.g. 22."""
        return _major(self.version)

    @property
    def knows_request_uri(self) -> bool:
        """Whether calls can be told apart by what is dialled: since 20.8, and an older one refuses the option."""
        module = self.modules / "res_pjsip_endpoint_identifier_ip.so"
        return module.is_file() and b"match_request_uri" in module.read_bytes()


def cache_dir() -> Path:
    """Where unpacked Asterisks lie: CALLCENTER_CACHE, else the user's cache folder."""
    own = os.environ.get("CALLCENTER_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "callcenter"


def find_asterisk() -> AsteriskRuntime:
    """The Asterisk to run. Raises `Unavailable` naming the remedy when there is none that is new enough."""
    installed = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if installed and (runtime := _installed(Path(installed))):
        return runtime
    for root in sorted(cache_dir().glob("asterisk-*-*"), reverse=True):
        if (root / "usr/sbin/asterisk").exists() and (runtime := _unpacked(root)):
            return runtime
    raise Unavailable(
        f"No Asterisk {OLDEST_MAJOR} or newer on PATH nor in {cache_dir()}: run scripts/up once while on line."
    )


def _installed(binary: Path) -> AsteriskRuntime | None:
    version = _version((str(binary),))
    if _major(version) < OLDEST_MAJOR:
        return None
    prefix = binary.resolve().parent.parent
    libraries = [prefix / "lib" / _triplet(), prefix / "lib64", prefix / "lib"]
    modules = [folder / "asterisk/modules" for folder in libraries if (folder / "asterisk/modules").is_dir()]
    shares = [prefix / "share/asterisk", Path("/usr/share/asterisk"), Path("/var/lib/asterisk")]
    documentation = [share / "documentation" for share in shares if (share / "documentation").is_dir()]
    if not modules:
        return None
    return AsteriskRuntime((str(binary),), version, modules[0], documentation[0] if documentation else None)


def _unpacked(root: Path) -> AsteriskRuntime | None:
    """Debian packages unpacked below ``root``: they run through their own loader, on any distribution."""
    libraries = root / "usr/lib" / _triplet()
    loaders = sorted(libraries.glob("ld-linux*.so.*"))
    if not loaders:
        return None
    path = f"{libraries}:{libraries / 'pulseaudio'}"
    command = (str(loaders[0]), "--library-path", path, str(root / "usr/sbin/asterisk"))
    version = _version(command)
    if _major(version) < OLDEST_MAJOR:
        return None
    documentation = root / "usr/share/asterisk/documentation"
    return AsteriskRuntime(command, version, libraries / "asterisk/modules", documentation)


def _version(command: tuple[str, ...]) -> str:
    """What ``asterisk -V`` says, e.g. ``22.10.1``; empty when it does not run."""
    try:
        done = subprocess.run([*command, "-V"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"Asterisk (?:certified[/-])?(\d+(?:\.\d+)*)", done.stdout)
    return found.group(1) if found else ""


def _major(version: str) -> int:
    return int(version.partition(".")[0] or 0)


def _triplet() -> str:
    machine = platform.machine()
    return _TRIPLETS.get(machine, f"{machine}-linux-gnu")


if __name__ == "__main__":
    try:
        found = find_asterisk()
    except Unavailable as error:
        sys.exit(error.message)
    sys.stdout.write(f"Asterisk {found.version}: {found.command[-1]}\n")
