"""The rendered configuration: nothing can be injected, a refused one never replaces the one in force (R24)."""

from pathlib import Path

import pytest

from callcenter.accounts.model import SeatAccount
from callcenter.asterisk_config import (
    DIALPLAN,
    MUSIC,
    ami_secret,
    layout,
    render,
)
from callcenter.asterisk_runtime import AsteriskRuntime, find_asterisk
from callcenter.asterisk_values import trunk_host
from callcenter.errors import InvalidInput
from callcenter.settings import Settings
from tests.support.asterisk import seat_accounts, test_settings


@pytest.fixture(scope="module")
def runtime() -> AsteriskRuntime:
    return find_asterisk()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return test_settings(tmp_path)


def written(etc: Path, name: str) -> str:
    return (etc / name).read_text("utf-8")


def test_every_setting_lands_where_asterisk_reads_it(tmp_path: Path, runtime: AsteriskRuntime) -> None:
    settings = test_settings(
        tmp_path, duty_numbers=("13900000001", "+8613900000002"), trunk_match="10.0.0.1,10.1.0.0/16"
    )
    etc = render(settings, seat_accounts(("op1", "op2", "sup1")), runtime, rehearse=False)
    extensions, pjsip = written(etc, "extensions.conf"), written(etc, "pjsip.conf")
    host = settings.trunk_uri.removeprefix("sip:")
    assert f"CC_AGI = agi://127.0.0.1:{settings.agi_port}\n" in extensions
    assert "CC_DUTY_DESK = PJSIP/op1&PJSIP/op1-web&PJSIP/op2&PJSIP/op2-web&PJSIP/sup1&PJSIP/sup1-web\n" in extensions
    assert f"CC_DUTY_NUMBERS = PJSIP/trunk/sip:13900000001@{host}&PJSIP/trunk/sip:+8613900000002@{host}\n" in extensions
    assert f"CC_RECORDINGS = {tmp_path}/recordings\n" in extensions
    assert [line for line in extensions.splitlines() if line.startswith("#include")] == [
        f'#include "{path}"' for path in sorted(DIALPLAN.glob("*.conf"))
    ]
    assert "match = 10.0.0.1/32\nmatch = 10.1.0.0/16\n" in pjsip
    assert f"bind = 127.0.0.1:{settings.sip_port}" in pjsip
    assert f"port = {settings.ami_port}" in written(etc, "manager.conf")
    assert f"rtpstart = {settings.rtp_start}\nrtpend = {settings.rtp_end}" in written(etc, "rtp.conf")
    assert f"bindport = {settings.ws_port}" in written(etc, "http.conf")


def test_a_quality_reviewer_has_no_place_on_the_duty_desk(settings: Settings, runtime: AsteriskRuntime) -> None:
    """A10: the fallback rings who takes calls."""
    seats = [*seat_accounts(("op1",)), SeatAccount("qa1", "qa", "0" * 32)]
    etc = render(settings, seats, runtime, rehearse=False)
    assert "CC_DUTY_DESK = PJSIP/op1&PJSIP/op1-web\n" in written(etc, "extensions.conf")
    assert "[qa1](seat)" in written(etc, "pjsip.conf")
    assert "qa1-web" not in written(etc, "pjsip.conf")


def test_seats_behind_nat_are_answered_where_they_come_from_when_asked_for(
    tmp_path: Path, runtime: AsteriskRuntime
) -> None:
    for wanted, told in ((False, "no"), (True, "yes")):
        settings = test_settings(tmp_path, seat_rewrite_contact=wanted)
        etc = render(settings, seat_accounts(), runtime, rehearse=False)
        assert f"rewrite_contact = {told}\n" in written(etc, "pjsip.conf")


@pytest.mark.parametrize(
    "user", ["op1]\n[evil", "op1;x", "trunk", "global", "udp", "", "Op1", "a" * 33, "op 1", "-op", "op1-web"]
)
def test_given_a_seat_name_that_is_syntax_or_ours_then_it_is_refused(
    settings: Settings, runtime: AsteriskRuntime, user: str
) -> None:
    with pytest.raises(InvalidInput, match="user name"):
        render(settings, [SeatAccount(user, "operator", "0" * 32)], runtime, rehearse=False)
    assert not layout(settings).etc.exists()


@pytest.mark.parametrize("ha1", ["", "0" * 31, "0" * 31 + "\n", "Z" * 32])
def test_given_a_damaged_password_hash_then_it_is_refused(
    settings: Settings, runtime: AsteriskRuntime, ha1: str
) -> None:
    with pytest.raises(InvalidInput, match="damaged"):
        render(settings, [SeatAccount("op1", "operator", ha1)], runtime, rehearse=False)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"bind": "localhost"}, "CALLCENTER_BIND"),
        ({"bind": "127.0.0.1\nport=1"}, "CALLCENTER_BIND"),
        ({"trunk_match": "somewhere"}, "CALLCENTER_TRUNK_MATCH"),
        ({"trunk_match": " , "}, "CALLCENTER_TRUNK_MATCH"),
        ({"trunk_uri": "sip:`id`"}, "CALLCENTER_TRUNK_URI"),
        ({"trunk_uri": "sip:${SHELL(id)}"}, "CALLCENTER_TRUNK_URI"),
        ({"duty_numbers": ("139&Local/x",)}, "CALLCENTER_DUTY_NUMBERS"),
        ({"data": Path("/tmp/a;b")}, "path|CC_"),
        ({"data": Path("/tmp/a\nb")}, "path|CC_"),
    ],
)
def test_given_a_setting_that_is_syntax_then_it_is_named_and_refused(
    settings: Settings, runtime: AsteriskRuntime, tmp_path: Path, change: dict[str, object], told: str
) -> None:
    bad = settings.model_copy(update=change)
    with pytest.raises(InvalidInput, match=told):
        render(bad, seat_accounts(), runtime, rehearse=False)


def test_secrets_are_for_the_owner_only(settings: Settings, runtime: AsteriskRuntime) -> None:
    """I3: the AMI password, and the seats' digests which are as good as passwords."""
    etc = render(settings, seat_accounts(), runtime, rehearse=False)
    secret = settings.data / "secrets" / "ami"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert f"secret = {ami_secret(settings)}\n" in written(etc, "manager.conf")
    assert {path.stat().st_mode & 0o077 for path in etc.iterdir()} == {0}
    assert ami_secret(settings) == ami_secret(settings)


def test_given_nothing_changed_then_the_same_configuration_stays_in_force(
    settings: Settings, runtime: AsteriskRuntime
) -> None:
    first = render(settings, seat_accounts(), runtime, rehearse=False).resolve()
    assert render(settings, list(reversed(seat_accounts())), runtime).resolve() == first


def test_given_many_changes_then_the_last_few_configurations_are_kept(
    settings: Settings, runtime: AsteriskRuntime
) -> None:
    for number in range(9):
        etc = render(settings, seat_accounts((f"op{number}",)), runtime, rehearse=False)
    assert "[op8](seat)" in written(etc, "pjsip.conf")
    assert len(list(etc.resolve().parent.iterdir())) == 6


def test_given_a_dialplan_that_asterisk_complains_of_then_the_old_configuration_stays(
    settings: Settings, runtime: AsteriskRuntime, tmp_path: Path
) -> None:
    """R24, on a real Asterisk: refused before it is loaded."""
    good = render(settings, seat_accounts(), runtime)
    before = good.resolve()
    broken = tmp_path / "broken.conf"
    broken.write_text("[from-trunk]\nexten => s,1,Answer(\nsame => n,Hangup\nexten => ,1,NoOp()\n")
    with pytest.raises(InvalidInput, match="refused, what was in force stays"):
        render(settings, seat_accounts(), runtime, dialplan=[broken])
    assert good.resolve() == before


def test_given_a_module_that_does_not_exist_then_the_configuration_is_refused(
    settings: Settings, runtime: AsteriskRuntime, tmp_path: Path
) -> None:
    """R24: an Asterisk without what we need is found out before it answers anybody."""
    poor = tmp_path / "modules"
    poor.mkdir()
    for module in runtime.modules.glob("*.so"):
        if module.stem != "app_confbridge":
            (poor / module.name).symlink_to(module)
    lacking = AsteriskRuntime(runtime.command, runtime.version, poor, runtime.documentation)
    with pytest.raises(InvalidInput, match=r"does not start|refused"):
        render(settings, seat_accounts(), lacking)
    assert not layout(settings).etc.exists()


def test_waiting_callers_hear_prompts_and_music_in_order(settings: Settings, runtime: AsteriskRuntime) -> None:
    render(settings, seat_accounts(), runtime, rehearse=False)
    for name, parts in MUSIC.items():
        folder = layout(settings).home / "music" / name
        assert [path.name[3:-4] for path in sorted(folder.iterdir())] == [part.removeprefix("@") for part in parts]
        assert all(path.stat().st_size > 1000 for path in folder.iterdir())


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("sip:127.0.0.1:5070", "127.0.0.1"),
        ("sip:trunk.example.cn", "trunk.example.cn"),
        ("sips:user@trunk.example.cn:5061", "trunk.example.cn"),
        ("sip:[2001:db8::1]:5060", "2001:db8::1"),
    ],
)
def test_the_trunks_host_is_found_in_its_uri(settings: Settings, uri: str, host: str) -> None:
    assert trunk_host(uri) == host


def test_given_a_data_folder_with_a_long_path_then_the_control_socket_lies_elsewhere(
    tmp_path: Path, runtime: AsteriskRuntime
) -> None:
    """A socket's path may be 107 bytes long (unix(7)); Asterisk would start and never answer."""
    settings = test_settings(tmp_path / ("d" * 120))
    place = layout(settings)
    etc = render(settings, seat_accounts(), runtime, rehearse=False)
    try:
        assert len(str(place.socket_dir)) < 60
        assert f"astrundir => {place.socket_dir}\n" in written(etc, "asterisk.conf")
        assert place.socket_dir.stat().st_mode & 0o077 == 0
    finally:
        place.socket_dir.rmdir()
