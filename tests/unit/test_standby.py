"""Who dies is replaced by a process that has loaded everything already (R1, R2)."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.standby import SERVE, Standby, release

WAITING = """
import sys
if "--standby" in sys.argv:
    print("waits", flush=True)
    word = sys.stdin.readline()
    print("serves" if word else "ends", flush=True)
else:
    print("loads", flush=True)
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def standby(log: Path) -> Iterator[Standby]:
    kept = Standby(log, [sys.executable, "-c", WAITING], after_seconds=0)
    yield kept
    kept.end()


def until(log: Path, words: list[str]) -> None:
    deadline = time.monotonic() + 30
    while (said := log.read_text().split() if log.exists() else []) != words:
        assert time.monotonic() < deadline, said
        time.sleep(0.01)


def test_given_one_that_waits_when_another_is_needed_then_it_serves_and_nothing_is_loaded(
    standby: Standby, log: Path
) -> None:
    standby.keep()
    until(log, ["waits"])
    standby.keep()
    assert standby.take().wait(30) == 0
    until(log, ["waits", "serves"])


def test_given_nobody_waits_when_one_is_needed_then_it_is_loaded(standby: Standby, log: Path) -> None:
    assert standby.take().wait(30) == 0
    until(log, ["loads"])


def test_given_one_that_died_waiting_then_one_that_loads_takes_its_place_and_the_next_waits(
    standby: Standby, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def noted(*arguments: object, **options: object) -> "subprocess.Popen[bytes]":
        started.append(popen(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr("subprocess.Popen", noted)
    standby.keep()
    until(log, ["waits"])
    started[0].kill()
    started[0].wait()
    standby.take().wait(30)
    until(log, ["waits", "loads"])
    standby.keep()
    until(log, ["waits", "loads", "waits"])


def test_given_a_new_release_when_another_is_needed_then_nobody_serves_what_was_loaded_before(log: Path) -> None:
    """R24: after an upgrade our process is killed for the new one to take its place, not the old one again."""
    releases = ["1.0", "1.1"]
    kept = Standby(log, [sys.executable, "-c", WAITING], after_seconds=0, release=lambda: releases.pop(0))
    kept.keep()
    until(log, ["waits"])
    assert kept.take().wait(30) == 0
    until(log, ["waits", "ends", "loads"])


def test_given_a_changed_setting_then_it_is_another_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = release()
    assert release() == before
    (tmp_path / ".env").write_text("CALLCENTER_DUTY_NUMBERS=13900000001\n")
    assert release() != before


def test_given_a_supervisor_that_ends_then_the_one_that_waits_ends_too(standby: Standby, log: Path) -> None:
    standby.keep()
    until(log, ["waits"])
    standby.end()
    until(log, ["waits", "ends"])


def test_given_who_was_just_started_then_nobody_is_loaded_beside_it_yet(log: Path) -> None:
    kept = Standby(log, [sys.executable, "-c", WAITING], after_seconds=1000)
    kept.keep()
    assert not log.exists()


def test_given_our_own_command_when_nobody_can_give_the_word_any_more_then_it_ends_without_having_served(
    tmp_path: Path,
) -> None:
    """Its supervisor was killed; it holds nothing that the next one needs."""
    data = tmp_path / "data"
    done = subprocess.run(
        [*SERVE, "--standby"],
        env={"CALLCENTER_DATA": str(data), "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "standing_by" in done.stderr
    assert not data.exists()
