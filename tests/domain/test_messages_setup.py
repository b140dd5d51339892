"""Messages in the product: channels by the settings, what an emergency still wants, readiness for the one on call."""

from functools import partial
from pathlib import Path

import pytest

from callcenter import doctor
from callcenter.bus import LocalBus
from callcenter.controller import Controller
from callcenter.errors import InvalidInput
from callcenter.journal import Journal
from callcenter.journal_reader import JournalReader
from callcenter.metrics import Metrics
from callcenter.notifications import facts as f
from callcenter.notifications.model import Message, Want
from callcenter.notifications.setup import channels
from callcenter.notifications.voice import LONGEST_LIST, playable
from callcenter.people.directory import Directory
from callcenter.settings import Settings, load_settings
from callcenter.wanted import still_wanted
from callcenter.worker_link import WorkerLink
from tests.support.fake_pbx import FakePbx, SimulatedSwitchboard
from tests.support.memory import HandClock, MemoryJournal
from tests.support.world import DAUGHTER, WANG, World


def test_given_an_emergency_when_its_people_are_called_or_it_is_closed_then_less_is_wanted(world: World) -> None:
    world.press(WANG)
    incident = world.incident()
    asked = partial(still_wanted, world.controller.emergencies)

    def send(purpose: str) -> Message:
        return world.run_result(
            lambda: world.controller.messages.send(
                to=DAUGHTER, text="x", purpose=purpose, actor="system", incident_id=incident.id
            )
        )

    alert, briefing = send("alert"), send("briefing")
    assert asked(alert) is Want.ANYTHING
    world.request("number", DAUGHTER)
    assert asked(alert) is Want.TEXT
    world.close_incident()
    assert (asked(alert), asked(briefing)) == (Want.NOTHING, Want.ANYTHING)
    carried = [fact.id for fact in world.controller.open_facts() if isinstance(fact.body, f.KINDS)]
    assert len(carried) == len(set(carried)) >= 2, "a new journal segment begins with them, each once"


async def test_given_settings_when_channels_are_made_then_they_come_in_their_order_and_a_broken_one_is_left_out(
    tmp_path: Path,
) -> None:
    settings = load_settings(
        data=tmp_path,
        message_channels="voice,gateway,twilio-voice,twilio",
        message_gateway=str(tmp_path / "absent.json"),
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token="secret",
        twilio_from="+15005550006",
        _env_file=None,
    )
    clock = HandClock()
    made = channels(settings, FakePbx(SimulatedSwitchboard(clock)), clock)
    assert [channel.route.name for channel in made] == ["voice", "twilio-voice", "twilio"]
    assert not any(channel.route.reports for channel in made), "without a public URL nobody can report"


async def test_given_messages_when_metrics_are_read_then_they_are_counted_by_purpose_channel_and_result(
    tmp_path: Path,
) -> None:
    clock, journal = HandClock(), Journal(tmp_path / "journal", HandClock())
    settings = load_settings(data=tmp_path, _env_file=None)
    board = FakePbx(SimulatedSwitchboard(clock))
    controller = Controller(settings, clock, MemoryJournal(), Directory, "", pbx=board, live=lambda: True)
    record = WorkerLink(JournalReader(tmp_path / "journal", clock), LocalBus(), clock)
    metrics = Metrics(controller, journal, record)
    controller.messages.resume()
    controller.messages.send(to=DAUGHTER, text="x", purpose="alert", actor="system")
    text = metrics.text().decode()
    assert 'callcenter_messages_total{channel="",purpose="alert",result="given_up"} 1.0' in text
    assert "callcenter_messages_waiting 0.0" in text
    assert "callcenter_channels_unwell 0.0" in text


def test_given_the_doctor_when_it_looks_at_the_channels_then_each_trouble_has_its_remedy(tmp_path: Path) -> None:
    broken = tmp_path / "gateway.json"
    broken.write_text("{}", "utf-8")
    account = {"twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "t", "twilio_from": "+15005550006"}
    for values, failed, said in (
        ({}, False, "no channel"),
        ({"message_channels": "voice"}, False, "voice"),
        ({"message_channels": "gateway", "message_gateway": str(broken)}, True, "url: Field required"),
        ({"message_channels": "twilio", **account}, True, "cannot report"),
        ({"message_channels": "twilio", "public_url": "https://c.example.org", **account}, False, "twilio"),
    ):
        (check,) = doctor._messages(load_settings(**values, _env_file=None))
        assert (check.failed, check.essential and check.failed) == (failed, False)
        assert said in check.detail


def test_given_more_prompts_than_a_line_of_ami_holds_then_whole_ones_are_left_out_at_the_end() -> None:
    assert playable(("a", "b-1")) == "a&b-1"
    many = playable(("digit-1-tel",) * 200)
    assert LONGEST_LIST - 12 < len(many) <= LONGEST_LIST
    assert set(many.split("&")) == {"digit-1-tel"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"message_channels": "pigeon"}, "MESSAGE_CHANNELS"),
        ({"message_channels": "voice,voice"}, "once"),
        ({"message_channels": "gateway"}, "message_gateway"),
        ({"message_channels": "twilio"}, "twilio_account_sid"),
        ({"public_url": "https://x/?a=b"}, "PUBLIC_URL"),
        ({"twilio_from": "13800000001"}, "TWILIO_FROM"),
    ],
)
def test_given_settings_that_cannot_work_when_read_then_they_are_refused_by_name(
    values: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        load_settings(**values, _env_file=None)
    assert said in refusal.value.message
    assert isinstance(Settings(_env_file=None).message_channels, tuple)
