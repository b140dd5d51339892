"""Whether Asterisk runs on what the settings say (R24): an on-call number that was only written down rings nobody."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from callcenter.asterisk_config import layout, render
from callcenter.asterisk_in_force import outdated
from callcenter.asterisk_runtime import AsteriskRuntime, find_asterisk
from callcenter.settings import Settings
from tests.support.asterisk import seat_accounts, test_settings


@pytest.fixture(scope="module")
def runtime() -> AsteriskRuntime:
    return find_asterisk()


@pytest.fixture
def settings(tmp_path: Path, runtime: AsteriskRuntime) -> Settings:
    settings = test_settings(tmp_path)
    render(settings, seat_accounts(("op1", "sup1")), runtime, rehearse=False)
    return settings


def changed(settings: Settings, runtime: AsteriskRuntime, **changes: object) -> Sequence[str]:
    return outdated(settings.model_copy(update=changes), runtime)


def test_given_what_was_rendered_when_compared_then_seats_and_all_it_is_as_the_settings_say(
    settings: Settings, runtime: AsteriskRuntime
) -> None:
    assert outdated(settings, runtime) == []


def test_given_a_changed_setting_when_compared_then_its_item_is_named_and_not_its_value(
    settings: Settings, runtime: AsteriskRuntime
) -> None:
    assert changed(settings, runtime, ami_port=1) == ["manager.conf [general] port"]
    assert changed(settings, runtime, rtp_end=settings.rtp_start + 9) == ["rtp.conf [general] rtpend"]
    assert changed(settings, runtime, duty_numbers=("13800000009",)) == ["extensions.conf [globals] CC_DUTY_NUMBERS"]
    assert "pjsip.conf [udp] bind" in changed(settings, runtime, sip_port=1)
    assert any(item.startswith("pjsip.conf [trunk2") for item in changed(settings, runtime, trunk2_uri="sip:10.0.0.9"))


def test_given_nothing_in_force_when_compared_then_it_is_an_error(settings: Settings, runtime: AsteriskRuntime) -> None:
    layout(settings).etc.unlink()
    with pytest.raises(OSError, match="etc"):
        outdated(settings, runtime)
