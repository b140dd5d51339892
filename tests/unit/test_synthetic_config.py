"""The watchdog's own way into Asterisk: nobody else can know its name, and no name makes anybody synthetic (I3, A8)."""

import re
from pathlib import Path

import pytest

from callcenter.accounts.model import SeatAccount
from callcenter.asterisk_config import render, synthetic_account
from callcenter.asterisk_runtime import find_asterisk
from callcenter.errors import InvalidInput
from tests.support.asterisk import seat_accounts, test_settings


def sections(text: str) -> dict[str, list[str]]:
    """The options of each section; those of one name follow each other."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"(?m)^(?=\[)", text)[1:]:
        found.setdefault(part[1 : part.index("]")], []).extend(part.splitlines()[1:])
    return found


def test_the_callers_name_is_a_secret_of_this_installation_and_the_other_endpoint_answers_to_no_name(
    tmp_path: Path,
) -> None:
    settings, other = test_settings(tmp_path / "one"), test_settings(tmp_path / "two")
    user, password = synthetic_account(settings)
    assert synthetic_account(settings) == (user, password)
    assert user != synthetic_account(other)[0]
    assert len(password) >= 32
    assert (settings.data / "secrets" / "synthetic").stat().st_mode & 0o777 == 0o600

    rendered = render(settings, seat_accounts(), find_asterisk(), rehearse=False) / "pjsip.conf"
    found = sections(rendered.read_text("utf-8"))
    assert {"context = from-synthetic", "identify_by = username", "auth = synthetic"} <= set(found[user])
    assert "identify_by = ip" in found["synthetic"]
    assert f"contact = sip:127.0.0.1:{settings.sip_port}" in found["synthetic"]
    assert not [line for lines in found.values() for line in lines if line == "endpoint = synthetic"]
    assert [name for name, lines in found.items() if "context = from-synthetic" in lines] == [user]
    assert rendered.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("bind", "own"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("127.0.0.2", "127.0.0.2")])
def test_asterisk_calls_itself_at_an_address_that_it_has(tmp_path: Path, bind: str, own: str) -> None:
    settings = test_settings(tmp_path, bind=bind)
    etc = render(settings, seat_accounts(), find_asterisk(), rehearse=False)
    assert f"contact = sip:{own}:{settings.sip_port}\n" in (etc / "pjsip.conf").read_text("utf-8")


@pytest.mark.parametrize("user", ["synthetic", "watchdog"])
def test_no_seat_has_the_watchdogs_name(tmp_path: Path, user: str) -> None:
    with pytest.raises(InvalidInput, match="user name"):
        render(test_settings(tmp_path), [SeatAccount(user, "operator", "0" * 32)], find_asterisk(), rehearse=False)
