"""The command line where no Asterisk is needed."""

import os
import subprocess
import sys
from pathlib import Path

from callcenter.asterisk_config import REPO
from callcenter.cli import describe
from callcenter.settings import Settings


def callcenter(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CALLCENTER_DATA": str(data), "PYTHONPATH": str(REPO)}
    command = [sys.executable, "-m", "callcenter.cli", *arguments]
    return subprocess.run(command, env=environment, cwd=data, capture_output=True, text=True, check=False)


def test_the_first_administrator_is_made_once_and_the_second_time_one_sentence_says_why_not(tmp_path: Path) -> None:
    made = callcenter(tmp_path, "add-admin", "chief")
    assert made.returncode == 0, made.stderr
    user, password = made.stdout.split()
    assert (user, len(password) >= 16) == ("chief", True)
    again = callcenter(tmp_path, "add-admin", "chief")
    assert again.returncode == 2
    assert again.stderr.strip() == "callcenter: the user name chief is taken; choose another"


def test_i1_what_is_written_is_for_the_owners_eyes_alone(tmp_path: Path) -> None:
    assert callcenter(tmp_path, "add-admin", "chief").returncode == 0
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert [path.name for path in written if path.stat().st_mode & 0o077] == []


def test_given_secrets_in_the_settings_when_printed_then_they_are_starred_and_addresses_are_as_given() -> None:
    lines = describe(
        Settings(
            twilio_auth_token="s3cret",
            deadman_url="https://dead.example/abc",
            database_url="postgresql+asyncpg://cc:pa55@db/callcenter",
            _env_file=None,
        )
    )
    shown = "\n".join(lines)
    assert not any(secret in shown for secret in ("s3cret", "abc", "pa55"))
    assert "CALLCENTER_DATABASE_URL=postgresql+asyncpg://cc:***@db/callcenter" in lines
    assert "{longitude},{latitude}" in shown
