"""What the stories of emergencies do again and again: look at an incident, wait for its record, say who hears whom."""

from datetime import UTC, datetime
from typing import Any, Protocol

from tests.support.instance import Api, Instance
from tests.support.rtp import RtpPeer
from tests.support.sipp import AnsweredCall, Caller, until


class Ear(Protocol):
    """Whoever hears: an `RtpPeer` or an `AnsweredCall`."""

    def hears(self, *frequencies: float, seconds: float = 0.4) -> set[float]:
        """Which of the tones it hears just now."""


async def hears(ear: Ear, *tones: float, what: str = "to hear them") -> None:
    """Wait until all the tones are heard at once."""
    await until(lambda: ear.hears(*tones, seconds=1) == set(tones), 5, what)


async def talk(ear: RtpPeer, seconds: float = 1.5) -> None:
    """Let so much sound arrive at an ear: enough to be found in a recording."""
    until_then = ear.packets + int(seconds * 50)
    await until(lambda: ear.packets >= until_then, seconds + 3, f"{seconds} s of sound")


async def accept(call: AnsweredCall) -> AnsweredCall:
    """Pick up outside, listen to what it is about, and press 1."""
    await call.answer()
    assert call.media is not None
    ear = call.media
    await until(lambda: ear.loudness() > 200, 5, "the words before the key")
    call.key("1")
    return call


def gone(caller: Caller) -> bool:
    """Whether a caller's line has ended."""
    return any(event.startswith("ended") for event in caller.events)


async def ready(center: Instance, api: Api, count: int) -> None:
    """Wait for so many ready seats."""

    async def enough() -> bool:
        return [seat["state"] for seat in (await api.get("/seats"))["items"]].count("ready") == count

    await center.until(enough, what=f"{count} ready seats")


async def the_open_one(center: Instance, api: Api) -> Any:
    """The only open emergency, once it is there."""

    async def found() -> Any:
        return (await api.get("/emergencies?state=open"))["items"]

    (only,) = await center.until(found, what="an emergency")
    return only


async def attempts(api: Api, incident: str) -> list[dict[str, Any]]:
    """Everybody who was rung for an incident."""
    found: list[dict[str, Any]] = (await api.get(f"/emergencies/{incident}/attempts"))["items"]
    return found


async def to(api: Api, incident: str, number: str) -> list[dict[str, Any]]:
    """The attempts to one number, oldest first."""
    return [one for one in await attempts(api, incident) if one["number"] == number]


async def ended(center: Instance, api: Api, incident: str, number: str, count: int = 1) -> list[dict[str, Any]]:
    """Wait until so many attempts to a number are over; returns all of them."""

    async def over() -> Any:
        found = await to(api, incident, number)
        return found if [one["state"] for one in found].count("ended") >= count else None

    found: list[dict[str, Any]] = await center.until(over, 15, f"{count} attempts to {number} to end")
    return found


async def drained(center: Instance, seconds: float = 30) -> None:
    """Wait until every fact of the journal is in the database."""

    async def empty() -> Any:
        relay = (await center.client.get("/readyz")).json()["parts"]["relay"]
        return relay["ok"] and relay["lag_facts"] == 0

    await center.until(empty, seconds, "the journal to drain")


async def timeline(api: Api, incident: str, *kinds: str) -> list[dict[str, Any]]:
    """The facts of an incident, of these kinds, oldest first; what is not in the database yet is not among them."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = await api.get(f"/emergencies/{incident}/timeline?limit=500{cursor}")
        found += [fact for fact in page["items"] if not kinds or fact["kind"] in kinds]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


async def verified(center: Instance, api: Api, call_id: str) -> list[dict[str, Any]]:
    """The recordings of a call that is over, once all of them are verified."""

    async def done() -> Any:
        items = (await api.get(f"/recordings?call_id={call_id}"))["items"]
        return items if items and all(item["status"] == "verified" for item in items) else None

    found: list[dict[str, Any]] = await center.until(done, 40, "verified recordings")
    return found


async def close(api: Api, incident: str, outcome: str, cause: str = "") -> None:
    """Close an incident."""
    await api.post(f"/emergencies/{incident}/close", {"outcome": outcome, "cause": cause})


async def said(center: Instance, prompt: str, count: int = 1) -> None:
    """Wait until Asterisk has played a recorded prompt so often."""
    assert center.asterisk is not None
    server = center.asterisk
    await until(lambda: server.log().count(f"Playing '{prompt}") >= count, 6, f"{prompt} to be said")


def moment(text: str) -> datetime:
    """A time of the API's."""
    return datetime.fromisoformat(text)


def age(at: str) -> float:
    """Seconds since a time of the API's."""
    return (datetime.now(UTC) - moment(at)).total_seconds()


def after(begin: str, end: str) -> float:
    """Seconds between two times of the API's."""
    return (moment(end) - moment(begin)).total_seconds()
