"""Phones in browsers: what Asterisk is told of them, and what their pages are (B1, I3)."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callcenter.accounts.passwords import sip_ha1
from callcenter.accounts.web_phones import turn_credentials, web_phone_ha1, web_phone_password
from callcenter.asterisk_config import render
from callcenter.asterisk_runtime import AsteriskRuntime, find_asterisk
from callcenter.clock import ManualClock
from callcenter.errors import InvalidInput
from callcenter.settings import load_settings
from tests.support.asterisk import seat_accounts, test_settings


@pytest.fixture(scope="module")
def runtime() -> AsteriskRuntime:
    return find_asterisk()


def test_given_a_seat_then_its_page_and_asterisk_know_the_same_password_which_is_stored_nowhere(
    tmp_path: Path, runtime: AsteriskRuntime
) -> None:
    settings = test_settings(tmp_path)
    password = web_phone_password(settings, "op1", "")
    assert web_phone_ha1(settings, "op1", "") == sip_ha1("op1-web", password)
    assert len({web_phone_password(settings, user, "") for user in ("op1", "op2", "sup1")}) == 3
    etc = render(settings, seat_accounts(), runtime, rehearse=False)
    assert f"username = op1-web\nmd5_cred = {web_phone_ha1(settings, 'op1', '')}\n" in (etc / "pjsip.conf").read_text()
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".wav"]
    assert not any(password.encode() in text for text in texts)


def test_given_another_installation_then_its_passwords_are_others(tmp_path: Path) -> None:
    one, other = test_settings(tmp_path / "one"), test_settings(tmp_path / "other")
    assert web_phone_password(one, "op1", "") != web_phone_password(other, "op1", "")


@pytest.mark.parametrize(
    ("bind", "bound"), [("127.0.0.1", False), ("0.0.0.0", False), ("192.0.2.7", True), ("2001:db8::7", True)]
)
def test_given_our_address_then_audio_of_browsers_is_bound_so_that_ice_has_something_to_offer(
    tmp_path: Path, runtime: AsteriskRuntime, bind: str, bound: bool
) -> None:
    etc = render(test_settings(tmp_path, bind=bind), seat_accounts(("op1",)), runtime, rehearse=False)
    (section,) = re.findall(r"\[web-seat\]\(!\)\n(.*?)\n\n", (etc / "pjsip.conf").read_text(), re.DOTALL)
    assert ("bind_rtp_to_media_address = yes" in section) is bound
    assert (f"media_address = {bind}\n" in section) is bound


def test_given_an_address_outside_then_ice_offers_it_beside_our_own(tmp_path: Path, runtime: AsteriskRuntime) -> None:
    settings = test_settings(tmp_path, bind="192.0.2.7", media_address="198.51.100.4")
    etc = render(settings, seat_accounts(("op1",)), runtime, rehearse=False)
    assert "192.0.2.7 => 198.51.100.4,include_local_address\n" in (etc / "rtp.conf").read_text()


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "ws://127.0.0.1:8088/ws"),
        ({"bind": "0.0.0.0"}, "ws://center.example:8088/ws"),
        ({"bind": "::1"}, "ws://[::1]:8088/ws"),
        ({"ws_url": "wss://center.example/ws"}, "wss://center.example/ws"),
    ],
)
def test_given_the_settings_then_the_page_is_told_where_the_socket_is(settings: dict[str, object], url: str) -> None:
    assert load_settings(**settings, _env_file=None).phone_socket("center.example") == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ws_url", "http://center.example"),
        ("ws_url", "wss://center.example/ws'; script-src *"),
        ("media_address", "center.example"),
        ("ice_servers", "center.example:3478"),
        ("ice_servers", "turn:center.example"),
    ],
)
def test_given_a_setting_that_cannot_be_then_it_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=name.upper() if value != "turn:center.example" else "turn_secret"):
        load_settings(**{name: value}, _env_file=None)


def test_given_a_turn_server_then_its_password_is_for_one_shift() -> None:
    """As coturn computes it: openssl dgst -sha1 -hmac north -binary | base64."""
    settings = load_settings(ice_servers="stun:a:3478, turn:b:3478?transport=tcp", turn_secret="north", _env_file=None)
    assert settings.ice_servers == ("stun:a:3478", "turn:b:3478?transport=tcp")
    user, password = turn_credentials(settings, ManualClock(datetime(2026, 3, 2, tzinfo=UTC)), "op1")
    assert user == "1772452800:op1-web"
    assert password == "pQE3yVEgMyk2fbBA8qCVdLHEWjI="
