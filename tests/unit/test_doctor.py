"""The doctor: a phone that is only ours to test with does not hide that no operator's phone is there (A9, R23)."""

import os
from pathlib import Path

from callcenter import doctor
from callcenter.asterisk_config import layout
from callcenter.doctor import registered_seats, unknown_settings
from callcenter.processes import ProcessRef
from callcenter.settings import load_settings

FIXED = """
  Contact:  <Aor/ContactUri..............................> <Hash....> <Status> <RTT(ms)..>
==========================================================================================

  Contact:  synthetic/sip:127.0.0.1:5060                   3a1bb1c8ba NonQual         nan
  Contact:  trunk/sip:127.0.0.1:5070                       5bd2ba3a4d NonQual         nan
  Contact:  trunk2/sip:127.0.0.1:5071                      0fa3c9b4ff NonQual         nan
"""


def test_given_trunks_and_the_test_seat_only_when_asked_then_no_seat_is_registered() -> None:
    assert registered_seats(FIXED) == []


def test_given_seats_when_asked_then_each_is_named_once() -> None:
    phones = "".join(f"  Contact:  {user}/sip:{user}@10.0.0.9:5062 1f NonQual nan\n" for user in ("sup1", "op1", "op1"))
    assert registered_seats(FIXED + phones) == ["op1", "sup1"]


def test_given_a_misspelt_setting_when_looked_at_then_it_is_named() -> None:
    names = ("# CALLCENTER_X", "CALLCENTER_DUTY_NUMBER", "export CALLCENTER_SIP_PORT", "callcenter_bind", "PATH")
    assert unknown_settings((*names, "CALLCENTER_CACHE")) == ["CALLCENTER_DUTY_NUMBER"]


def test_given_a_dead_supervisor_when_our_process_lives_on_then_its_ports_are_not_called_somebody_elses(
    tmp_path: Path,
) -> None:
    settings = load_settings(data=tmp_path, _env_file=None)
    run = layout(settings).run
    run.mkdir(parents=True)
    ours = ProcessRef.of(os.getpid())
    assert ours is not None
    ours.save(run / "serve.process")
    (check,) = doctor._running(settings)
    assert (check.failed, check.essential) == (True, False)
    assert str(os.getpid()) in check.detail
    assert "takes it over" in check.remedy
