"""`callcenter up` for real: what it starts lives on, comes back, is adopted, is ended; a trouble is one sentence."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.asterisk_config import REPO, layout
from callcenter.asterisk_process import AsteriskProcess
from callcenter.asterisk_runtime import find_asterisk
from callcenter.processes import ProcessRef
from callcenter.settings import Settings
from tests.support.asterisk import test_settings, wait_for

PATIENCE = 120.0
"""Seconds that a loaded two-core machine may take for a start: twenty times what a quiet one takes."""


class Instance:
    """One data folder and its ports, driven by the command line as an administrator would."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.first_words = ""

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")}
        names = (
            "http_port",
            "sip_port",
            "ami_port",
            "agi_port",
            "ws_port",
            "rtp_start",
            "rtp_end",
            "trunk_uri",
            "data",
        )
        ours = {f"CALLCENTER_{name.upper()}": str(getattr(self.settings, name)) for name in names}
        return {**kept, **ours, "PYTHONPATH": str(REPO), **more}

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "callcenter.cli", *arguments],
            env=self.environment(**more),
            cwd=self.settings.data.parent,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def up(self) -> str:
        """Start in the background; what it said."""
        done = self.run("up", "--detach")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def process(self, name: str) -> ProcessRef | None:
        return ProcessRef.load(layout(self.settings).run / f"{name}.process")

    def living(self, name: str) -> ProcessRef:
        process = self.process(name)
        assert process is not None, f"no {name} runs"
        return process

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.settings.http_port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def asterisk_says(self, command: str) -> str:
        place = layout(self.settings)
        return AsteriskProcess(find_asterisk(), place.etc, place.logs / "asterisk.out").cli(command)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A running instance that the tests of this file hurt one after the other."""
    made = Instance(test_settings(tmp_path_factory.mktemp("up") / "data"))
    made.settings.data.mkdir()
    made.first_words = made.up()
    try:
        yield made
    finally:
        made.run("down")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Instance]:
    """An instance that is not started; whatever a test starts of it is ended."""
    made = Instance(test_settings(tmp_path / "data"))
    made.settings.data.mkdir()
    yield made
    made.run("down")


def test_given_an_empty_folder_when_up_then_it_tells_where_to_click_what_to_dial_and_who_may_sign_in(
    instance: Instance,
) -> None:
    told = instance.first_words
    seats = json.loads(instance.run("demo", "credentials", "--json").stdout)["seats"]
    assert f"http://127.0.0.1:{instance.settings.http_port}/" in told
    assert f"sip:95120@127.0.0.1:{instance.settings.sip_port}" in told
    assert {seat["user"] for seat in seats} >= {"op1", "op2", "op3", "op4", "op5", "sup1", "qa1", "qa2"}
    for seat in seats:
        assert seat["web_password"] in told
        assert seat["sip_password"] in told
    assert instance.ready()


def test_passwords_are_not_written_to_a_log(instance: Instance) -> None:
    """I1, I3."""
    seats = json.loads(instance.run("demo", "credentials", "--json").stdout)["seats"]
    logs = "".join(path.read_text("utf-8", "replace") for path in layout(instance.settings).logs.iterdir())
    assert not [seat for seat in seats if seat["web_password"] in logs or seat["sip_password"] in logs]


def test_the_demo_elders_have_what_outside_tests_read(instance: Instance) -> None:
    elders = json.loads(instance.run("demo", "elders", "--json").stdout)["elders"]
    assert elders
    for elder in elders:
        assert {"id", "name", "phones", "pendant", "contacts"} <= elder.keys()
        assert all({"role", "name", "phone"} <= contact.keys() for contact in elder["contacts"])


def test_the_demo_seats_can_register_in_asterisk(instance: Instance) -> None:
    shown = instance.asterisk_says("pjsip show endpoints")
    assert all(f"Endpoint:  {seat}" in shown for seat in ("op1", "op5", "sup1", "qa1", "trunk"))


def test_asterisk_starts_without_a_warning(instance: Instance) -> None:
    messages = (layout(instance.settings).logs / "messages").read_text("utf-8")
    assert "WARNING" not in messages
    assert "ERROR" not in messages


def test_given_a_running_instance_when_up_again_then_it_says_who_and_where(instance: Instance) -> None:
    done = instance.run("up")
    assert done.returncode == 2
    assert "runs already" in done.stderr
    assert str(instance.living("supervisor").pid) in done.stderr
    assert f"http://127.0.0.1:{instance.settings.http_port}/" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert instance.ready()


def test_given_a_taken_port_when_up_then_one_sentence_names_port_setting_and_process(
    instance: Instance, fresh: Instance
) -> None:
    done = fresh.run("up", CALLCENTER_AGI_PORT=str(instance.settings.agi_port))
    assert done.returncode == 2
    assert f"port {instance.settings.agi_port} is taken by" in done.stderr
    assert f"(process {instance.living('serve').pid})" in done.stderr
    assert "CALLCENTER_AGI_PORT" in done.stderr
    assert len(done.stderr.splitlines()) == 1

    done = fresh.run("up", CALLCENTER_SIP_PORT=str(instance.settings.sip_port))
    assert f"port {instance.settings.sip_port} is taken by asterisk" in done.stderr


def test_given_our_process_killed_then_another_runs_within_a_second_and_asterisk_never_noticed(
    instance: Instance,
) -> None:
    """R1."""
    asterisk, serve = instance.living("asterisk"), instance.living("serve")
    killed_at = time.monotonic()
    os.kill(serve.pid, signal.SIGKILL)
    wait_for(lambda: instance.process("serve") not in (None, serve), PATIENCE, "another process")
    assert time.monotonic() - killed_at < 1.5
    wait_for(instance.ready, PATIENCE, "readiness")
    assert instance.living("asterisk") == asterisk


def test_given_asterisk_killed_then_it_is_started_again(instance: Instance) -> None:
    """R4."""
    asterisk, serve = instance.living("asterisk"), instance.living("serve")
    os.kill(asterisk.pid, signal.SIGKILL)
    wait_for(lambda: instance.process("asterisk") not in (None, asterisk), PATIENCE, "another Asterisk")
    wait_for(instance.ready, PATIENCE, "readiness")
    assert instance.living("serve") == serve


def test_given_the_supervisor_killed_then_all_live_on_and_the_next_one_adopts_asterisk(instance: Instance) -> None:
    """R1, R28: people may be talking."""
    asterisk, serve = instance.living("asterisk"), instance.living("serve")
    os.kill(instance.living("supervisor").pid, signal.SIGKILL)
    wait_for(lambda: instance.process("supervisor") is None, 5, "the supervisor's end")
    assert instance.ready()
    told = instance.up()
    assert "taken over" in told
    assert instance.living("asterisk") == asterisk
    assert instance.living("serve") != serve
    assert not serve.alive()


def test_given_a_request_to_render_then_asterisk_loads_the_seats_anew(instance: Instance) -> None:
    place = layout(instance.settings)
    before = place.etc.stat().st_ctime_ns
    place.render_request.touch()
    wait_for(lambda: place.etc.lstat().st_ctime_ns > before, PATIENCE, "another rendering")
    assert instance.ready()


def test_the_doctor_finds_everything_in_order(instance: Instance) -> None:
    done = instance.run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    broken = [check for check in checks.values() if check["failed"] and check["essential"]]
    assert not broken
    assert done.returncode == 0
    assert {
        "asterisk",
        "modules",
        "database",
        "migrations",
        "ami",
        "fastagi",
        "prompts",
        "disk",
        "trunk",
    } <= checks.keys()


def test_given_two_instances_when_ctrl_c_ends_one_then_it_ends_in_order_and_the_other_goes_on(
    instance: Instance, fresh: Instance
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "callcenter.cli", "up"],
        env=fresh.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # The tests may run in a shell's background, where Ctrl-C is ignored by all that is started.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    wait_for(fresh.ready, PATIENCE, "readiness")
    assert instance.ready()
    children = [fresh.living(name) for name in ("serve", "asterisk")]
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert said.rstrip().endswith("stopped")
    assert not [child for child in children if child.alive()]
    assert instance.ready()
    assert "Nothing runs" in fresh.run("down").stdout


def test_given_the_database_down_when_up_then_it_starts_on_the_last_configuration(fresh: Instance) -> None:
    """A10: the emergency line does not wait for a database."""
    fresh.up()
    fresh.run("down")
    away = {"CALLCENTER_DATABASE_URL": "postgresql+asyncpg://cc@127.0.0.1:1/cc"}
    done = fresh.run("up", "--detach", **away)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the database does not answer" in done.stdout
    assert "Endpoint:  op1" in fresh.asterisk_says("pjsip show endpoints")


def test_given_the_database_down_at_the_very_first_start_then_one_sentence_says_so(fresh: Instance) -> None:
    done = fresh.run("up", CALLCENTER_DATABASE_URL="postgresql+asyncpg://cc@127.0.0.1:1/cc")
    assert done.returncode == 2
    assert "CALLCENTER_DATABASE_URL" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"CALLCENTER_DATA": "/dev/null/data"}, "CALLCENTER_DATA"),
        ({"CALLCENTER_SIP_PORT": "70000"}, "CALLCENTER_SIP_PORT"),
        ({"CALLCENTER_BIND": "nowhere"}, "CALLCENTER_BIND"),
        ({"CALLCENTER_BIND": "192.0.2.1"}, "CALLCENTER_BIND"),
        ({"CALLCENTER_CACHE": "/nowhere", "PATH": "/nowhere"}, "run scripts/up"),
    ],
)
def test_given_something_wrong_when_up_then_one_sentence_names_it_and_nothing_is_left_running(
    fresh: Instance, more: dict[str, str], told: str
) -> None:
    for arguments in (["up"], ["up", "--detach"]):
        done = fresh.run(*arguments, **more)
        assert done.returncode == 2
        assert told in done.stderr + done.stdout
        assert "Traceback" not in done.stderr + done.stdout
        assert fresh.process("asterisk") is None


def test_given_a_process_id_that_belongs_to_another_then_down_does_not_end_it(fresh: Instance) -> None:
    other = ProcessRef.of(os.getpid())
    assert other is not None
    run = layout(fresh.settings).run
    run.mkdir(parents=True)
    ProcessRef(other.pid, other.started - 1).save(run / "supervisor.process")
    assert "Nothing runs" in fresh.run("down").stdout
    assert other.alive()
