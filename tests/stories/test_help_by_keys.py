"""2026-05-04, 21:15: the web is of no use to the operator, only his phone is: help comes by its keys (A2, A10)."""

from tests.support.instance import Instance
from tests.support.sipp import Answerer, until

ELDER, POLICE = 440.0, 840.0


async def test_the_whole_family_and_any_number_come_by_keys(center: Instance) -> None:
    """``*6``: all relatives ring at once, each accepts by 1; ``*7`` 110 ``#``; ``*3``: a forwarded doctor."""
    elder = next(one for one in center.elders if sum(c["role"] == "family" for c in one["contacts"]) > 1)
    family = [contact["phone"] for contact in elder["contacts"] if contact["role"] == "family"]
    op1 = await center.seat("op1")
    trunk = await center.trunk(auto={"110": "answer"})
    press = await center.dial("95120", elder["pendant"], seconds=60)
    await press.answered(2)
    press.media.play(ELDER)
    desk = await (await op1.call()).answer()
    await until(lambda: desk.hears(ELDER), 5, "the operator to hear her")

    desk.key("*6")
    relatives = [await trunk.call(number) for number in family]
    for relative in relatives:
        await relative.accept()
    for relative in relatives:
        await until(lambda one=relative: one.hears(ELDER), 10, "a relative to hear her")  # type: ignore[misc]

    desk.key("*7")
    desk.key("110#")
    police = await trunk.call("110", seconds=15)
    await police.until("answered")
    police.play(POLICE)
    await until(lambda: police.hears(ELDER), 10, "the police to hear her")
    await until(lambda: press.media.hears(POLICE), 5, "her to hear the police")
    assert [call.number for call in trunk.calls].count("110") == 1
    assert sorted(call.number for call in trunk.calls if call.number in family) == sorted(family)

    # A phone that is forwarded is called where it is forwarded to, as the trunk says: no new call comes to our house.
    desk.key("*3")
    (doctor,) = [contact["phone"] for contact in elder["contacts"] if contact["role"] == "doctor"]
    elsewhere = await Answerer.listen(center.folder)
    forwarded = await trunk.call(doctor)
    forwarded.moved(f"sip:13900000302@127.0.0.1:{elsewhere.port}")
    there = await (await elsewhere.call("13900000302")).accept()
    await until(lambda: there.hears(ELDER), 10, "the doctor to hear her")
    await elsewhere.close()
    api = await center.sign_in("op1")
    assert len((await api.get("/calls"))["items"]) == 1
