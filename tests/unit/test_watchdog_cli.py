"""`callcenter press` and what the settings show of the watch outside."""

from pathlib import Path

import pytest

from callcenter.cli import describe
from callcenter.errors import InvalidInput
from callcenter.settings import load_settings
from tests.support.ports import free_port
from tests.unit.test_cli import callcenter


def test_given_nothing_that_runs_then_a_press_says_so_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLCENTER_HTTP_PORT", str(port := free_port()))
    done = callcenter(tmp_path, "press")
    assert done.returncode == 2
    assert (
        done.stderr.strip()
        == f"callcenter: callcenter does not answer at http://127.0.0.1:{port}/: start it with scripts/up"
    )


def test_the_url_of_the_watch_outside_is_as_good_as_a_password(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, deadman_url="https://hc.example/7f3a-secret", _env_file=None)
    assert "CALLCENTER_DEADMAN_URL=***" in describe(settings)
    assert "7f3a-secret" not in "\n".join(describe(settings))
    with pytest.raises(InvalidInput, match=r"CALLCENTER_DEADMAN_URL: .*http://") as refused:
        load_settings(data=tmp_path, deadman_url="hc.example/7f3a-secret", _env_file=None)
    assert "7f3a-secret" not in refused.value.message


def test_numbers_for_alerts_are_read_from_one_line(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, alert_numbers="13900000001, 13900000002,", _env_file=None)
    assert settings.alert_numbers == ("13900000001", "13900000002")
    with pytest.raises(InvalidInput, match="CALLCENTER_ALERT_NUMBERS"):
        load_settings(data=tmp_path, alert_numbers="call me", _env_file=None)
