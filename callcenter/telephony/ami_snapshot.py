"""What is live in Asterisk right now, asked over AMI: channels with our variables, rooms, registered phones."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from callcenter.errors import PbxRefused
from callcenter.telephony.ami_wire import Fields, text
from callcenter.telephony.events import LiveChannel, Snapshot
from callcenter.telephony.translate import INTERNAL_PREFIX, contact_registered

CHANNEL_VARIABLES = ("CC_CALL", "CC_LEG", "CC_LINE", "CC_ROOM", "CC_ROLE", "CC_NUMBER", "CC_STAGE", "CC_AUTO")
"""The channel variables that a snapshot brings back; the dialplan and the controller set them."""

AskList = Callable[[str, Fields], Awaitable[Sequence[Mapping[str, Any]]]]
"""Sends a list action, gives its items; raises `PbxRefused` or `PbxUnavailable`."""

# Asterisk answers an empty list with an error; these are its words for "none".
_NONE = frozenset({"No active conferences.", "No Conference by that name found.", "No Contacts found"})
_UNSET = "(null)"


async def take_snapshot(ask: AskList) -> tuple[Snapshot, dict[str, frozenset[str]]]:
    """List everything live; returns the snapshot and the callable contact addresses by endpoint.

    The helpers of our own telephony layer (prompts being played into a room) are left out, as in events.
    Raises `PbxUnavailable` when the link fails meanwhile, `PbxRefused` when Asterisk refuses to list
    (a missing AMI permission, a module not loaded).
    """
    statuses = await ask("Status", {"Variables": ",".join(CHANNEL_VARIABLES)})
    rooms = [text(item, "Conference") for item in await _ask_or_none(ask, "ConfbridgeListRooms", {})]
    members = await asyncio.gather(*(_ask_or_none(ask, "ConfbridgeList", {"Conference": room}) for room in rooms))
    phones = await _ask_or_none(ask, "PJSIPShowContacts", {})
    contacts = _contacts(phones)
    snapshot = Snapshot(
        channels={channel.channel_id: channel for channel in map(_channel, statuses) if _ours(channel.channel_id)},
        rooms={
            room: frozenset(filter(_ours, (text(item, "Uniqueid") for item in items)))
            for room, items in zip(rooms, members, strict=True)
        },
        phones=frozenset(contacts),
        agents={text(item, "Endpoint"): agent for item in phones if (agent := text(item, "UserAgent"))},
    )
    return snapshot, contacts


def _ours(channel_id: str) -> bool:
    return bool(channel_id) and not channel_id.startswith(INTERNAL_PREFIX)


async def _ask_or_none(ask: AskList, action: str, fields: Fields) -> Sequence[Mapping[str, Any]]:
    try:
        return await ask(action, fields)
    except PbxRefused as refusal:
        if refusal.extra.get("reply") in _NONE:
            return ()
        raise


def _channel(item: Mapping[str, Any]) -> LiveChannel:
    seconds = text(item, "Seconds")
    return LiveChannel(
        channel_id=text(item, "Uniqueid"),
        name=text(item, "Channel"),
        up=text(item, "ChannelState") == "6",
        seconds=int(seconds) if seconds.isascii() and seconds.isdigit() else 0,
        bridged=bool(text(item, "BridgeID")),
        caller="" if (number := text(item, "CallerIDNum")) == "<unknown>" else number,
        variables=_variables(item),
    )


def _variables(item: Mapping[str, Any]) -> dict[str, str]:
    lines = item.get("Variable", [])
    found: dict[str, str] = {}
    for line in [lines] if isinstance(lines, str) else lines:
        name, _, value = line.partition("=")
        if value != _UNSET:
            found[name] = value
    return found


def _contacts(items: Sequence[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    by_endpoint: dict[str, set[str]] = {}
    for item in items:
        endpoint = text(item, "Endpoint")
        # A status that says neither (not yet qualified) is a registration all the same.
        if endpoint and contact_registered(text(item, "Status")) is not False:
            by_endpoint.setdefault(endpoint, set()).add(text(item, "Uri"))
    return {endpoint: frozenset(uris) for endpoint, uris in by_endpoint.items()}
