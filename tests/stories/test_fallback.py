"""Our process is away: the dialplan answers by itself and leaves each call to be taken in, whatever the disk does."""

import time
from pathlib import Path
from typing import Any

from callcenter.asterisk_config import COMPANY_SECONDS
from callcenter.fallback.intake import spare
from tests.support.instance import Api, Instance
from tests.support.sipp import until

STRANGER = "13900000001"
CLAIMED = {
    # From user → on record as.
    "%2B8613900000002": "13900000002",
    "%22%7D%2C%22line%22%3A%22hotline": "",
    "$%7BSHELL(touch%20pwned)%7D": "",
    "%E7%8E%8B" * 20: "",
    "anonymous": "",
}


def entries(center: Instance, event: str = "*") -> list[Path]:
    """What lies in the spool and in memory."""
    memory = Path(spare(center.settings.spool_dir))
    found = center.settings.spool_dir.glob(f"*.{event}.json")
    return sorted([*found, *memory.parent.glob(f"{memory.name}*.{event}.json")])


async def calls(api: Api, **which: Any) -> Any:
    items = (await api.get("/calls", params={"limit": 200}))["items"]
    return [call for call in items if all(call[key] == value for key, value in which.items())]


async def test_r1_whatever_somebody_claims_to_be_each_call_of_the_outage_is_on_record_once_as_he_said(
    center: Instance,
) -> None:
    """R22: nothing that a stranger says is syntax on its way through the dialplan, the file and back."""
    center.kill()
    callers = [await center.dial("95120", who, seconds=120) for who in (STRANGER, *CLAIMED)]
    for caller in callers:
        await caller.answered(5)
    await until(lambda: len(entries(center, "arrived")) == len(callers), 10, "everybody in the spool")
    for caller in callers:
        caller.hangup()
    await until(lambda: len(entries(center, "ended")) == len(callers), 10, "every end in the spool")
    assert center.asterisk is not None
    started = [
        line for line in center.asterisk.log().splitlines() if "Launched AGI Script" in line and "agi:" not in line
    ]
    assert started == []
    assert [line for line in center.asterisk.complaints() if "func_env" in line or "pbx" in line] == []
    await center.serve()
    await until(lambda: entries(center) == [], 10, "an empty spool")
    api = await center.sign_in("op1")

    async def all_of_them() -> Any:
        found = await calls(api, via="fallback")
        return found if len(found) >= len(callers) and all(call["ended_at"] for call in found) else None

    found = await center.until(all_of_them, what="the record")
    assert sorted(call["caller"] for call in found) == sorted([STRANGER, *CLAIMED.values()])
    assert all((call["line"], call["did"]) == ("emergency", "95120") for call in found)


async def test_r9_where_the_disk_takes_nothing_memory_does_and_an_asterisk_that_died_meanwhile_loses_nobody(
    center: Instance,
) -> None:
    """A10: a file in the spool's place refuses every entry, as a read-only disk does."""
    center.kill()
    first = await center.dial("95120", STRANGER, seconds=120)
    await first.answered(5)
    began = int(time.time())
    await until(lambda: len(entries(center)) == 1, 10, "the first press in the spool")
    assert center.asterisk is not None
    center.asterisk.kill()
    center.asterisk.start()
    spool = center.settings.spool_dir
    aside = spool.with_name("aside")
    spool.rename(aside)
    spool.touch()
    # An Asterisk that was started anew within the second would give the next channel the name of the first.
    await until(lambda: int(time.time()) > began, 5, "the next second")
    second = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    await second.answered(5)
    await until(lambda: len(entries(center)) == 1, 10, "the second press in memory")
    spool.unlink()
    aside.rename(spool)
    op1 = await center.seat("op1")
    await center.serve()
    desk = await (await op1.call(seconds=25)).answer()
    second.media.play(440)
    await until(lambda: desk.hears(440), 5, "the operator to hear her")
    await until(lambda: entries(center) == [], 10, "an empty spool")
    api = await center.sign_in("op1")

    async def over() -> Any:
        return [call for call in await calls(api, caller=STRANGER, via="fallback") if call["ended_at"]]

    (lost,) = await center.until(over, 40, "the end of the call that died with Asterisk")
    (emergency,) = (await api.get("/emergencies", params={"elder_id": center.elders[0]["id"]}))["items"]
    assert len(emergency["calls"]) == 1
    assert lost["id"] not in emergency["calls"]


async def test_r1_her_operator_hangs_up_while_our_process_is_dead_and_the_duty_desk_rings_for_her(
    center: Instance,
) -> None:
    """A10: a talk goes on through leases that nobody renews; who is alone after it is nobody's prisoner.

    A seat's phone that forwards its calls answers for nobody: what Asterisk would dial instead must not take her.
    """
    op1, op2 = await center.seat("op1"), await center.seat("op2", auto="moved")
    elder = await center.dial("95120", center.elders[0]["pendant"], seconds=120)
    await elder.answered(5)
    desk = await (await op1.call()).answer()
    elder.media.play(440)
    await until(lambda: desk.hears(440), 5, "the operator to hear her")
    assert center.asterisk is not None
    asterisk = center.asterisk
    (room,) = [line.split()[0] for line in asterisk.cli("confbridge list").splitlines()[2:] if line.strip()]
    members = asterisk.cli(f"confbridge list {room}").splitlines()
    (hers,) = [line.split()[0] for line in members if "PJSIP/trunk" in line]

    def lease_ends() -> None:
        asterisk.cli(f"dialplan set chanvar {hers} TIMEOUT(absolute) 1")

    def asked() -> int:
        return asterisk.log().count(f"TIMEOUT(absolute)={COMPANY_SECONDS}")

    center.kill()
    before = asked()
    lease_ends()
    await until(lambda: asked() > before, 10, "the lease to run out in company")
    elder.media.play(880)
    await until(lambda: desk.hears(880), 5, "the talk to go on")
    desk.hangup()
    await until(lambda: "ended" in desk.events, 5, "the operator to be gone")
    lease_ends()
    again = await (await op1.call(seconds=25)).answer()
    elder.media.play(660)
    await until(lambda: again.hears(660), 5, "the duty desk to hear her")
    assert len(op2.calls) > 1
