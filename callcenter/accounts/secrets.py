"""Secrets of this installation: made once, below the data folder, for the owner's eyes only (mode 0600)."""

import os
import secrets
from pathlib import Path

from callcenter.settings import Settings

KEY_BYTES = 32


def secrets_dir(settings: Settings) -> Path:
    """The folder of secrets, made when it is missing (mode 0700)."""
    folder = (settings.data / "secrets").resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def signing_key(settings: Settings) -> bytes:
    """The key that signs access tokens; made at the first call."""
    path = secrets_dir(settings) / "token.key"
    write_once(path, secrets.token_bytes(KEY_BYTES))
    return path.read_bytes()


def write_once(path: Path, content: bytes) -> bool:
    """Write a secret unless it is there; False when it was. Of two processes at once, one wins, whole."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True
