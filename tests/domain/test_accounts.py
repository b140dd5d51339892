"""Accounts: passwords, the throttle's limits, secrets of an installation, rights (I1, I3)."""

import hashlib
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.accounts.passwords import Passwords, check_new_password, new_sip_password, sip_ha1
from callcenter.accounts.permissions import PERMISSIONS, Permission, Principal, Role
from callcenter.accounts.secrets import write_once
from callcenter.accounts.throttle import Throttle
from callcenter.accounts.tokens import Tokens
from callcenter.clock import ManualClock
from callcenter.errors import Forbidden, InvalidInput, NotAuthenticated, TooManyAttempts

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


async def test_given_a_password_when_hashed_then_argon2id_and_only_it_verifies() -> None:
    passwords = Passwords()
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "battery staple")
    assert not await passwords.verify(None, "correct horse")
    assert not await passwords.verify("not a hash", "correct horse")


@pytest.mark.parametrize("password", ["short", "x" * 129, "op1-is-my-name"])
def test_given_a_weak_password_when_checked_then_it_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput):
        check_new_password("op1", password)


def test_given_a_sip_password_when_digested_then_it_is_what_asterisk_computes() -> None:
    """RFC 2617 §3.2.2.2: A1 = user:realm:password."""
    password = new_sip_password()
    assert len(password) == 24
    expected = hashlib.md5(f"op1:callcenter:{password}".encode(), usedforsecurity=False).hexdigest()
    assert sip_ha1("op1", password) == expected


def test_given_guesses_when_they_age_then_the_window_moves_on() -> None:
    clock = ManualClock(START)
    throttle = Throttle(clock, attempts=3, seconds=60)
    for second in (0, 20, 40):
        clock.move_to(START + timedelta(seconds=second))
        throttle.begin("op1", "a")
    with pytest.raises(TooManyAttempts) as caught:
        throttle.begin("op1", "a")
    assert caught.value.extra["retry_after"] == 21
    clock.move_to(START + timedelta(seconds=60))
    throttle.begin("op1", "a")
    with pytest.raises(TooManyAttempts):
        throttle.begin("op1", "a")


def test_given_one_address_when_it_tries_many_names_then_it_is_stopped() -> None:
    throttle = Throttle(ManualClock(START), attempts=3, per_address=10)
    for number in range(10):
        throttle.begin(f"user{number}", "a")
    with pytest.raises(TooManyAttempts):
        throttle.begin("another", "a")
    throttle.begin("another", "b")


def test_given_success_when_it_follows_failures_then_they_are_forgotten() -> None:
    throttle = Throttle(ManualClock(START), attempts=3)
    for _ in range(30):
        throttle.begin("op1", "a")
        throttle.succeeded("op1", "a")


def test_given_endless_names_when_they_are_tried_then_memory_is_bounded() -> None:
    throttle = Throttle(ManualClock(START), per_address=10**9, remembered=100)
    for number in range(1000):
        throttle.begin(f"user{number}", f"address{number}")
    assert len(throttle._times) <= 100


@given(st.sampled_from(Role), st.text(min_size=1, max_size=32), st.one_of(st.none(), st.text(max_size=20)))
def test_given_anybody_when_a_token_is_issued_then_it_reads_back_until_it_expires(
    role: Role, user: str, area: str | None
) -> None:
    clock = ManualClock(START)
    tokens = Tokens(b"k" * 32, clock, minutes=15)
    who = Principal(user, role, area, "s")
    token = tokens.issue(who)
    assert tokens.read(token) == who
    clock.move_to(START + timedelta(minutes=15))
    with pytest.raises(NotAuthenticated, match="expired"):
        tokens.read(token)


@pytest.mark.parametrize("role", Role)
def test_given_a_role_when_it_lacks_a_right_then_check_names_the_right(role: Role) -> None:
    who = Principal("x", role)
    for permission in Permission:
        if permission in PERMISSIONS[role]:
            who.check(permission)
        else:
            with pytest.raises(Forbidden, match=permission):
                who.check(permission)


def test_given_many_at_once_when_a_secret_is_written_then_one_wins_whole_and_nothing_is_left_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "token.key"
    results: list[bool] = []
    contents = [bytes([number]) * 100_000 for number in range(8)]
    threads = [threading.Thread(target=lambda c=c: results.append(write_once(path, c))) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 7 + [True]
    assert path.read_bytes() in contents
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
