"""`callcenter backup`: copies what must not be lost into a folder, whether the product runs or not (I2).

The database first, then the journal, then audio: a database that is older than the journal reads on where it stood,
one that is newer would leave facts out; and audio that a row of the database tells of is then always there.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from callcenter.errors import Unavailable
from callcenter.settings import Settings

KEPT = ("journal", "spool", "prompts", "recordings", "secrets")
"""Folders below the data folder, in this order; beside them ``telemetry.jsonl``, the last places of terminals. What is
not here is made anew at each start."""


def back_up(settings: Settings, target: Path) -> Path:
    """Copy into ``target``; of what an earlier run left there only what has changed is copied, and nothing is deleted.

    Answers the database's file in there. Raises `Unavailable` where it cannot be copied, or the
    copy is not whole: what an earlier run copied of it is then still there.
    """
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = make_url(settings.database)
    database = _dump(url, target) if url.get_backend_name() == "postgresql" else _copy_sqlite(url, target)
    _copy_new(settings.data.resolve(), target, ["telemetry.jsonl"])
    for name in KEPT:
        source = settings.data.resolve() / name
        for folder, _, files in os.walk(source):
            _copy_new(Path(folder), target / name / Path(folder).relative_to(source), files)
    return database


def _copy_sqlite(url: URL, target: Path) -> Path:
    done, draft = target / "callcenter.db", target / "callcenter.db.draft"
    draft.unlink(missing_ok=True)
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{url.database}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(draft)) as copy,
        ):
            source.backup(copy)
            # One file, without the two that go with it while it is written.
            copy.execute("PRAGMA journal_mode=DELETE")
            found = copy.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.Error as error:
        raise Unavailable(f"The database {url.database} could not be copied: {error}.") from error
    if found != "ok":
        raise Unavailable(f"The copy of the database {url.database} is not whole: {found}.")
    draft.replace(done)
    return done


def _dump(url: URL, target: Path) -> Path:
    done, draft = target / "callcenter.dump", target / "callcenter.dump.draft"
    # The password goes by the environment: arguments can be seen by everybody on the machine.
    who = {
        "PGHOST": url.host,
        "PGPORT": str(url.port or 5432),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    environment = os.environ | {name: value for name, value in who.items() if value}
    command = ["pg_dump", "--format=custom", "--no-owner", f"--file={draft}"]
    try:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Unavailable("pg_dump is missing: install postgresql-client.") from error
    if ended.returncode:
        raise Unavailable(f"pg_dump could not copy the database: {ended.stderr.strip()[-300:]}")
    draft.replace(done)
    return done


def _copy_new(source: Path, target: Path, names: list[str]) -> None:
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in names:
        old, new = source / name, target / name
        # What is written this very moment is copied as far as it goes, and again the next time.
        with contextlib.suppress(FileNotFoundError):
            now = old.stat()
            if new.exists() and (new.stat().st_size, new.stat().st_mtime_ns) == (now.st_size, now.st_mtime_ns):
                continue
            draft = target / f".{name}.draft"
            shutil.copy2(old, draft)
            os.utime(draft, ns=(now.st_atime_ns, now.st_mtime_ns))
            draft.replace(new)
