"""Settings: each wrong one is named, with what it must be, and stops the start."""

from pathlib import Path

import pytest

from callcenter.cli import describe
from callcenter.errors import InvalidInput
from callcenter.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No CALLCENTER_* variable and no .env of whoever runs the tests."""
    import os

    for name in [name for name in os.environ if name.startswith("CALLCENTER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_the_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()
    assert (settings.http_port, settings.sip_port, settings.ami_port) == (8000, 5060, 5038)
    assert (settings.agi_port, settings.ws_port) == (4573, 8088)
    assert (settings.bind, settings.trunk_match, settings.trunk_uri) == ("127.0.0.1", "127.0.0.1", "sip:127.0.0.1:5070")
    assert (settings.hotline_number, settings.emergency_number) == ("12349", "95120")
    assert settings.data == Path("var")


def test_human_answer_and_follow_up_limits_are_those_of_the_standards() -> None:
    """A1 (GS 4.3.11.2) and C7 (SZ 6.2.5)."""
    assert (load_settings().human_answer_seconds, load_settings().follow_up_hours) == (5, 24)


def test_given_a_variable_it_wins_over_dot_env_which_wins_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("CALLCENTER_SIP_PORT=5160\nCALLCENTER_AMI_PORT=5138\n")
    monkeypatch.setenv("CALLCENTER_SIP_PORT", "5260")
    settings = load_settings()
    assert (settings.sip_port, settings.ami_port, settings.agi_port) == (5260, 5138, 4573)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("CALLCENTER_SIP_PORT", "70000", "less than or equal to 65535"),
        ("CALLCENTER_HTTP_PORT", "web", "valid integer"),
        ("CALLCENTER_TRUNK_URI", "tel:120", "must be like sip:10.0.0.1:5060"),
        ("CALLCENTER_TRUNK_URI", "sip:host\nmatch=0.0.0.0", "must be like sip:"),
        ("CALLCENTER_HUMAN_ANSWER_SECONDS", "-1", "greater than or equal to 0"),
        ("CALLCENTER_LOG_LEVEL", "loud", "must be debug, info"),
        ("CALLCENTER_BIND", "localhost", "IP address"),
        ("CALLCENTER_CONTROL_BIND", "all", "IP address"),
        ("CALLCENTER_WEB_BIND", "lan", "IP address"),
        ("CALLCENTER_TRUSTED_PROXIES", "10.0.0.1,*", "addresses or networks"),
        ("CALLCENTER_DUTY_NUMBERS", "13900000001,139 0000 0002", "must be digits of a phone number"),
        ("CALLCENTER_NODE", "Node 1", "must be 1 to 32"),
        ("CALLCENTER_TRUNK_MATCH", "trunk.example", "addresses or networks"),
        ("CALLCENTER_TRUNK_MATCH", " , ", "trunk calls from"),
        ("CALLCENTER_DATABASE_URL", "mysql://cc:pw@db/cc", "postgresql"),
        ("CALLCENTER_REDIS_URL", "cache:6379", "redis://"),
        ("CALLCENTER_TOKEN_MINUTES", "inf", "1440"),
        ("CALLCENTER_REFRESH_HOURS", "nan", "8784"),
        ("CALLCENTER_FOLLOW_UP_HOURS", "1e300", "8784"),
        ("CALLCENTER_WRAP_UP_SECONDS", "inf", "86400"),
        ("CALLCENTER_MAP_URL", "https://map.example/{lat},{lng}", "no other braces"),
        ("CALLCENTER_MAP_URL", "https://map.example/{latitude}", "longitude"),
        ("CALLCENTER_MAP_URL", "javascript:{latitude},{longitude}", "https"),
    ],
)
def test_given_a_bad_value_then_the_start_stops_and_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=name) as caught:
        load_settings()
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"rtp_start": 10000, "rtp_end": 10005}, "rtp_end"),
        ({"http_port": 5038}, "differ"),
        ({"sip_port": 8000}, "differ"),
        ({"sip_port": 10004}, "sip_port must lie outside"),
        ({"hotline_number": "95120"}, "hotline_number and emergency_number"),
    ],
)
def test_given_values_that_contradict_each_other_then_both_are_named(values: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        load_settings(**values)


def test_i3_given_addresses_of_carrier_and_web_then_calls_are_still_controlled_from_this_machine_alone() -> None:
    settings = load_settings(bind="0.0.0.0", web_bind="127.0.0.1", trusted_proxies="127.0.0.1")
    assert (settings.control_bind, settings.web_address) == ("127.0.0.1", "127.0.0.1")
    assert settings.phone_socket("center.example") == "ws://127.0.0.1:8088/ws"
    assert load_settings(bind="0.0.0.0").web_address == "0.0.0.0"


def test_given_several_bad_values_then_one_sentence_names_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_SIP_PORT", "0")
    monkeypatch.setenv("CALLCENTER_AGI_PORT", "x")
    with pytest.raises(InvalidInput, match=r"CALLCENTER_SIP_PORT.*CALLCENTER_AGI_PORT"):
        load_settings()


def test_duty_numbers_are_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_DUTY_NUMBERS", " 13900000001, ,051287654321 ")
    assert load_settings().duty_numbers == ("13900000001", "051287654321")


def test_the_settings_cannot_be_changed_while_running() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().sip_port = 1  # type: ignore[misc]


def test_i1_a_refused_url_is_named_without_its_password() -> None:
    with pytest.raises(InvalidInput) as caught:
        load_settings(database_url="postgres://cc:s3cret@db/callcenter", redis_url="http://:s3cret@cache")
    assert "CALLCENTER_DATABASE_URL" in caught.value.message
    assert "CALLCENTER_REDIS_URL" in caught.value.message
    assert "s3cret" not in caught.value.message


def test_printed_settings_hide_passwords() -> None:
    """I1, I3: what `callcenter settings` prints can be pasted into a mail."""
    settings = load_settings(
        database_url="postgresql+asyncpg://cc:s3cret@db/callcenter", redis_url="redis://:s3cret@cache:6379/0"
    )
    lines = describe(settings)
    assert "CALLCENTER_SIP_PORT=5060" in lines
    assert "CALLCENTER_DATABASE_URL=postgresql+asyncpg://cc:***@db/callcenter" in lines
    assert not [line for line in lines if "s3cret" in line]


def test_given_every_setting_with_a_pattern_when_it_does_not_fit_then_the_sentence_shows_no_pattern(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever reads it knows SIP addresses, not regular expressions."""
    patterned = [
        name
        for name, field in Settings.model_fields.items()
        if any(getattr(m, "pattern", None) for m in field.metadata)
    ]
    assert len(patterned) > 10
    for name in [*patterned, "duty_numbers", "ice_servers"]:
        variable = f"CALLCENTER_{name.upper()}"
        with monkeypatch.context() as patch:
            patch.setenv(variable, "?")
            with pytest.raises(InvalidInput) as refused:
                load_settings()
        sentence = str(refused.value)
        assert f"{variable}: must be" in sentence
        assert "pattern" not in sentence
        assert "^" not in sentence
