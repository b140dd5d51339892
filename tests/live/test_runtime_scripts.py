"""The set-up scripts: a trouble is one sentence that names the remedy."""

import subprocess
from pathlib import Path

from callcenter.asterisk_config import REPO


def bash(commands: str) -> subprocess.CompletedProcess[str]:
    """Run commands with the scripts' helpers loaded."""
    return subprocess.run(
        ["bash", "-c", f"source scripts/lib.sh\n{commands}"],
        cwd=REPO,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_given_no_sudo_when_a_command_is_missing_then_one_sentence_names_the_package() -> None:
    done = bash("""
        id() { echo 1000; }
        have() { [[ $1 != sudo && $1 != sipp ]]; }
        apt_need bash:bash sipp:sip-tester
    """)
    assert done.returncode == 2
    assert "sipp" in done.stderr
    assert "apt-get install sip-tester" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_given_no_apt_then_the_packages_are_named() -> None:
    done = bash("have() { [[ $1 != apt-get && $1 != sipp ]]; }; apt_need sipp:sip-tester")
    assert done.returncode == 2
    assert "sip-tester" in done.stderr


def test_given_everything_is_there_then_nothing_is_asked_for() -> None:
    done = bash("apt_install() { echo called; }; apt_need bash:bash ls:coreutils")
    assert (done.returncode, done.stdout) == (0, "")


def test_given_a_step_that_fails_then_its_last_words_and_the_remedy_are_shown(tmp_path: Path) -> None:
    done = bash(f"TMPDIR={tmp_path}; progress 'doing it' 'Do that.' bash -c 'echo went wrong; exit 7'")
    assert done.returncode == 2
    assert "went wrong" in done.stderr
    assert "Do that." in done.stderr


def test_given_a_relative_data_folder_then_it_is_the_callers() -> None:
    done = subprocess.run(
        ["bash", "-c", f'CALLCENTER_DATA=here; source {REPO}/scripts/lib.sh; echo "$CALLCENTER_DATA $PWD"'],
        cwd="/tmp",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["/tmp/here", str(REPO)]


def test_the_scripts_are_sound_bash() -> None:
    for name in ("lib.sh", "up", "down", "test", "callcenter"):
        assert subprocess.run(["bash", "-n", REPO / "scripts" / name], check=False).returncode == 0
    assert subprocess.run(["bash", "-n", REPO / ".ci" / "run"], check=False).returncode == 0
