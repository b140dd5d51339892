"""The product as a real centre has it: behind nginx by TLS, phones by TURN, no control from outside (I3, B2).

nginx and coturn are Debian's, on the product's own files of ``deploy/``.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from callcenter.accounts.model import SeatAccount
from callcenter.accounts.service import seat_accounts
from callcenter.accounts.web_phones import TURN_HOURS, turn_credentials
from callcenter.asterisk_config import REPO
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.ports import own_address
from tests.browser.steps import answered_by_key, checked
from tests.stories.steps import hears, ready, talk, the_open_one
from tests.support.asterisk import AsteriskServer, test_settings
from tests.support.browser import Consoles, Operator, build_console, spare_address
from tests.support.front import NAME, Coturn, Nginx
from tests.support.instance import Api, Instance, environment
from tests.support.ports import free_port
from tests.support.sipp import Caller

ELDER, OPERATOR = 440.0, 640.0
FORM = {"name": "陈晓燕", "phone": "13812345678", "text": "想了解上门助浴的价格", "consent": True}
RELAY_ONLY = """
const Real = RTCPeerConnection;
window.connections = [];
window.RTCPeerConnection = class extends Real {
  constructor(config, ...rest) {
    super({ ...config, iceTransportPolicy: "relay" }, ...rest);
    window.connections.push(this);
  }
};
"""
"""A network that lets nothing through but what goes to the relay."""
UNTOLD = """
const described = Object.getOwnPropertyDescriptor(Real.prototype, "localDescription").get;
Object.defineProperty(Real.prototype, "localDescription", { get() {
  const { type, sdp } = described.call(this) ?? { type: "", sdp: "" };
  return { type, sdp: sdp.replace(/(a=candidate:\\S+ \\d \\S+ \\d+) .* typ relay.*/g, "$1 192.0.2.77 9 typ host") };
} });
"""
"""The answer goes out before the relay has given an address, as it does where there is another one to tell first."""
PAIR = """async () => {
  for (;;) {
    const stats = await window.connections.at(-1).getStats();
    const used = [...stats.values()].find(({ type, nominated, state }) =>
      type === "candidate-pair" && nominated && state === "succeeded");
    if (used) {
      const { candidateType, relayProtocol } = stats.get(used.localCandidateId);
      return [candidateType, relayProtocol];
    }
    await new Promise((resolve) => setTimeout(resolve, 100));  // a pair that is being checked again
  }
}"""


@pytest.fixture(scope="module", autouse=True)
def address() -> None:
    """An address for audio."""
    spare_address()


@pytest.fixture(scope="module")
def built() -> None:
    """The console's page."""
    build_console()


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[tuple[Instance, Nginx]]:
    """The product as docs/deployment.md sets it up: SIP on all addresses, the web on loopback, nginx before it."""
    port = free_port()
    deployed: dict[str, Any] = {
        "bind": "0.0.0.0",
        "web_bind": "127.0.0.1",
        "trusted_proxies": ("127.0.0.1",),
        "ws_url": f"wss://{NAME}:{port}/ws",
        "wrap_up_seconds": 1,
    }
    async with Instance(tmp_path, **deployed) as center:
        nginx = Nginx(tmp_path, center.settings, port)
        await nginx.start()
        yield center, nginx
        await nginx.stop()


@contextlib.asynccontextmanager
async def client_at(nginx: Nginx, address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the proxy with an address of its own."""
    transport = httpx.AsyncHTTPTransport(verify=nginx.certificate.trust(), local_address=address)
    base = f"https://127.0.0.1:{nginx.port}"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers={"Host": NAME}, timeout=60) as client:
        yield client


async def talking(center: Instance, op1: Operator) -> Caller:
    """A press that the page has answered by a key; both hear each other."""
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=300)
    await press.answered(5)
    press.media.play(ELDER)
    await answered_by_key(op1, "Enter")
    await op1.hears(ELDER)
    await hears(press.media, OPERATOR, what="her to hear the operator")
    return press


async def more_is_heard(center: Instance, op1: Operator, press: Caller) -> None:
    """Both go on hearing each other: two more seconds of sound have come to each."""
    page, elder = (await op1.stats())["received"], press.media.packets

    async def more() -> bool:
        return bool((await op1.stats())["received"] >= page + 100 and press.media.packets >= elder + 100)

    await center.until(more, 10, "more sound")
    await op1.hears(ELDER)
    await hears(press.media, OPERATOR, what="her to go on hearing the operator")


async def test_given_tls_in_front_when_a_press_comes_then_the_page_talks_and_no_reload_of_the_proxy_ends_it(
    front: tuple[Instance, Nginx], built: None
) -> None:
    """A1, I3: pages, API, live socket and SIP over WebSocket on one https origin; nothing else is needed at a desk."""
    center, nginx = front
    async with Consoles.of(center) as consoles:
        consoles.at, consoles.flags = nginx.url, nginx.flags
        op1 = await consoles("op1", voice=OPERATOR)
        assert await op1.page.evaluate("[isSecureContext, location.origin]") == [True, nginx.url]
        await checked(op1.page)
        api = await center.sign_in("op1")
        await ready(center, api, 1)
        press = await talking(center, op1)

        await nginx.reload()
        async with client_at(nginx, "127.0.0.1") as client:
            assert (await client.get("/healthz")).status_code == 200
        await more_is_heard(center, op1, press)
        await op1.phone("status", "registered")

        # Every socket is cut. Audio does not go through the proxy.
        op1.forgiven += ["WebSocket", "Failed to load resource"]
        await nginx.stop()
        await op1.phone("status", "lost")
        await more_is_heard(center, op1, press)
        await nginx.start()
        await op1.phone("status", "registered", 20)
        await more_is_heard(center, op1, press)
        assert "ended" not in " ".join(press.events)

        emergency = await the_open_one(center, api)
        await api.post(f"/emergencies/{emergency['id']}/close", {"outcome": "false_alarm"})
        await op1.phone("call", None, 20)
    log = nginx.log()
    assert '"GET /api/v1/live" 101' in log
    assert '"GET /ws" 101' in log
    assert "?" not in log


async def test_given_the_proxy_then_each_client_is_counted_and_recorded_by_its_own_address(
    front: tuple[Instance, Nginx],
) -> None:
    """I3, C10, R22: one who guesses locks nobody out, and nobody chooses the address that he is known by."""
    center, nginx = front
    password = next(one["web_password"] for one in center.credentials["accounts"] if one["user"] == "admin")
    wrong, right = ({"username": "admin", "password": word} for word in ("wrong", password))
    token = "/api/v1/auth/token"
    async with client_at(nginx, "127.0.0.5") as guesser, client_at(nginx, "127.0.0.6") as other:
        for n in range(5):
            # What the client itself says of its address is worth nothing.
            claim = {"X-Forwarded-For": f"192.0.2.{n}"}
            assert (await guesser.post(token, data=wrong, headers=claim)).status_code == 401
        assert (await guesser.post(token, data=right)).status_code == 429
        assert (await guesser.post(token, data=right, headers={"X-Forwarded-For": "127.0.0.6"})).status_code == 429
        signed_in = await other.post(token, data=right)
        assert signed_in.status_code == 200

        # Not from the proxy: its own address counts, not the one that it claims.
        beside = f"http://127.0.0.1:{center.settings.http_port}"
        outside = httpx.AsyncHTTPTransport(local_address="127.0.0.7")
        async with httpx.AsyncClient(transport=outside, base_url=beside, timeout=20) as liar:
            claim = {"X-Forwarded-For": "127.0.0.6"}
            for _ in range(5):
                assert (await liar.post(token, data=wrong, headers=claim)).status_code == 401
            assert (await liar.post(token, data=right, headers=claim)).status_code == 429
        assert (await other.post(token, data=right)).status_code == 200

        form = "/api/v1/public/requests"
        answers = [(await guesser.post(form, json=FORM)).status_code for _ in range(11)]
        assert answers == [201] * 10 + [429]
        assert (await other.post(form, json=FORM)).status_code == 201

        bearer = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
        made = await other.post("/api/v1/elders", json={"name": "甲"}, headers=bearer)
        assert made.status_code == 201, made.text
        trail = await other.get("/api/v1/audit", params={"subject": "elders", "actor": "admin"}, headers=bearer)
        assert trail.json()["items"][0]["address"] == "127.0.0.6"


async def test_given_the_proxy_then_pages_say_to_come_by_tls_only_and_figures_stay_inside(
    front: tuple[Instance, Nginx], built: None
) -> None:
    """I3: HSTS; our own policy and no cookie; plain HTTP leads to TLS; nothing of the web is open beside the proxy."""
    center, nginx = front
    async with client_at(nginx, "127.0.0.1") as client:
        page = await client.get("/console/")
        assert page.status_code == 200
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert f"connect-src 'self' wss://{NAME}:{nginx.port}/ws;" in page.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in page.headers
        signed_in = await client.post("/api/v1/auth/token", data={"username": "nobody", "password": "x"})
        assert signed_in.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert "Set-Cookie" not in signed_in.headers
        assert (await client.get("/metrics")).status_code == 403
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{nginx.plain_port}", headers={"Host": NAME}) as plain:
        sent_on = await plain.get("/console/?a=b")
        assert (sent_on.status_code, sent_on.headers["Location"]) == (301, f"https://{NAME}/console/?a=b")
    settings = center.settings
    for port in (settings.http_port, settings.ws_port, settings.ami_port, settings.agi_port):
        assert accepts("127.0.0.1", port)
        assert not accepts("127.0.0.3", port)
    assert accepts("127.0.0.3", settings.sip_port)


@pytest.mark.parametrize(
    ("transport", "flags", "script"),
    [
        ("udp", (), RELAY_ONLY),
        ("udp", (), RELAY_ONLY + UNTOLD),
        ("tcp", ("--force-webrtc-ip-handling-policy=disable_non_proxied_udp",), RELAY_ONLY),
    ],
    ids=["relay-only", "relay-not-told", "no-udp-at-all"],
)
async def test_given_a_network_that_lets_no_audio_through_when_there_is_a_relay_then_both_hear_each_other(
    tmp_path: Path, built: None, transport: str, flags: tuple[str, ...], script: str
) -> None:
    """B2: an operator at home, behind a firewall; the relay's password is made by us and good for a shift."""
    secret = secrets.token_hex(16)
    turn = Coturn(tmp_path, secret)
    await turn.start()
    try:
        async with (
            Instance(tmp_path, ice_servers=(turn.url(transport),), turn_secret=secret, wrap_up_seconds=1) as center,
            Consoles.of(center) as consoles,
        ):
            consoles.flags, consoles.script = flags, script
            op1 = await consoles("op1", voice=OPERATOR)
            await checked(op1.page)
            await ready(center, await center.sign_in("op1"), 1)
            press = await talking(center, op1)
            await more_is_heard(center, op1, press)
            async with asyncio.timeout(30):
                assert await op1.page.evaluate(PAIR) == ["relay", transport]
    finally:
        await turn.stop()


async def test_given_the_relay_then_it_leads_to_asterisk_alone_and_no_old_password_opens_it(tmp_path: Path) -> None:
    """I3: not a way into the network behind it."""
    settings = test_settings(tmp_path / "data", turn_secret=secrets.token_hex(16))
    moment = datetime.now(UTC)
    now, long_ago = ManualClock(moment), ManualClock(moment - timedelta(hours=TURN_HOURS, seconds=9))
    turn = Coturn(tmp_path, settings.turn_secret)
    await turn.start()
    try:
        asterisk, other, late = await asyncio.gather(
            turn.tried(own_address(), *turn_credentials(settings, now, "op1")),
            turn.tried("127.0.0.1", *turn_credentials(settings, now, "op1")),
            turn.tried(own_address(), *turn_credentials(settings, long_ago, "op1")),
        )
    finally:
        await turn.stop()
    assert "success" in asterisk
    assert "Forbidden" not in asterisk
    assert "error 403 (Forbidden IP)" in other
    assert "success" not in late


@pytest.fixture
def on_all_addresses(tmp_path: Path) -> Iterator[AsteriskServer]:
    """Asterisk where it is bound to every address of the machine."""
    server = AsteriskServer(test_settings(tmp_path / "data", bind="0.0.0.0"))
    server.start()
    yield server
    server.stop()


def test_given_asterisk_on_all_addresses_then_its_manager_is_reached_from_this_machine_alone(
    on_all_addresses: AsteriskServer,
) -> None:
    """I3: whoever reaches it with the password controls every call."""
    settings = on_all_addresses.settings
    assert accepts("127.0.0.1", settings.ami_port)
    for address in {"127.0.0.3", own_address()} - {"127.0.0.1"}:
        assert not accepts(address, settings.ami_port)
        assert accepts(address, settings.sip_port)


def accepts(address: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((address, port), 2).close()
    except ConnectionRefusedError:
        return False
    return True


class Restored(Instance):
    """The product on a new machine, from a backup."""

    backup: Path

    async def _prepare(self) -> list[SeatAccount]:
        await asyncio.to_thread(shutil.copytree, self.backup, self.settings.data, dirs_exist_ok=True)
        database = Database(self.settings.database)
        async with database.transaction() as session:
            seats = await seat_accounts(session)
        await database.close()
        return list(seats)


async def test_given_a_backup_of_the_running_product_when_all_is_lost_then_it_goes_on_from_there(
    tmp_path: Path,
) -> None:
    """I2, B6, C10: accounts, what happened, who wrote what, and audio; the journal fills what the database lacks."""
    (tmp_path / "lost").mkdir()
    (tmp_path / "new").mkdir()
    backup = tmp_path / "backup"
    async with Instance(tmp_path / "lost") as center:
        api = await center.sign_in("sup1")
        await a_press(center, api, 0)
        await back_up(center, backup)
        older = (backup / "callcenter.db").read_bytes()
        await a_press(center, api, 1)
        await back_up(center, backup)
    # As if the second press had come while the first copying was at the audio.
    (backup / "callcenter.db").write_bytes(older)

    restored = Restored(tmp_path / "new")
    restored.backup, restored.credentials = backup, center.credentials
    async with restored:
        api = await restored.sign_in("admin")

        async def both() -> bool:
            found = (await api.get("/emergencies"))["items"]
            return len(found) == 2 and all(one["state"] == "closed" for one in found)

        await restored.until(both, 20, "both presses")
        for emergency in (await api.get("/emergencies"))["items"]:
            for recording in await recorded(restored, api, emergency["calls"][0]):
                audio = await api.raw(f"/recordings/{recording['id']}/audio")
                assert hashlib.sha256(audio.content).hexdigest() == recording["sha256"]
        assert (await api.get("/audit/verification"))["intact"]


async def back_up(center: Instance, folder: Path) -> None:
    """As the administrator does, beside the running product."""
    command = [sys.executable, "-m", "callcenter.cli", "backup", str(folder)]
    made = await asyncio.create_subprocess_exec(
        *command, cwd=center.folder, env={**os.environ, "PYTHONPATH": str(REPO), **environment(center.settings)}
    )
    assert await made.wait() == 0


async def a_press(center: Instance, api: Api, elder: int) -> None:
    """A press that the machine has answered, and that is closed and on record."""
    press = await center.dial("95120", center.elders[elder]["pendant"], seconds=120)
    await press.answered(5)
    press.media.play(ELDER)
    await talk(press.media)
    emergency = await the_open_one(center, api)
    await api.post(f"/emergencies/{emergency['id']}/close", {"outcome": "false_alarm"})
    await recorded(center, api, emergency["calls"][0])


async def recorded(center: Instance, api: Api, call_id: str) -> list[dict[str, Any]]:
    """The recordings of a call that is over, once each has been looked at; how good they are is not the matter here."""

    async def done() -> Any:
        items = (await api.get(f"/recordings?call_id={call_id}"))["items"]
        return items if items and all(item["sha256"] for item in items) else None

    found: list[dict[str, Any]] = await center.until(done, 40, "the recordings")
    return found
