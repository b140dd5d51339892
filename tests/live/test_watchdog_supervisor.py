"""`callcenter up` speaks for a process of ours that hangs: to the watch outside and to the doctor (R2, R27)."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.asterisk_config import layout
from tests.live.test_runtime import Instance
from tests.support.asterisk import test_settings, wait_for
from tests.unit.test_watchdog_alarm import outside


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    made = Instance(test_settings(tmp_path / "data"))
    yield made
    made.run("down")


def test_given_a_process_that_hangs_then_the_supervisor_tells_the_watch_outside_until_it_answers(
    instance: Instance,
) -> None:
    alarm = layout(instance.settings).run / "alarm"
    with outside() as (url, heard):
        words = {"CALLCENTER_DEADMAN_URL": url, "CALLCENTER_DEADMAN_SECONDS": "1", "CALLCENTER_SYNTHETIC_MINUTES": "0"}
        started = instance.run("up", "--detach", CALLCENTER_DUTY_NUMBERS="13900000001", **words)
        assert started.returncode == 0, started.stdout + started.stderr
        wait_for(lambda: "/x" in heard, 10, "a ping")
        assert [word for word in heard if "fail" in word] == []
        serve = instance.living("serve")
        serve.send(signal.SIGSTOP)
        wait_for(lambda: heard[-1].startswith("/x/fail callcenter has not answered"), 30, "the alarm outside")
        assert "fallback" in alarm.read_text("utf-8")
        assert "has not answered" in instance.run("doctor").stdout
        serve.send(signal.SIGCONT)
        wait_for(lambda: not alarm.exists() and heard[-1] == "/x", 30, "the end of the alarm")
        assert instance.living("serve") == serve
        instance.run("down")
