"""The command line where no Asterisk is needed."""

import os
import subprocess
import sys
from pathlib import Path

from callcenter.asterisk_config import REPO


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
