"""What the AMI link must remember for single messages to be true: channel names, contacts, dials under way.

Asterisk's messages cannot all be read alone: a phone that moves to a new address is "Created" there and
then "Removed" here; a busy originate is reported twice, with a coarse reason and an exact one; conference
actions want a channel's name where everything else takes its id. The memory lives as long as the
connection and is filled anew from each snapshot.
"""

from collections.abc import Mapping
from typing import Any

from callcenter.telephony.ami_wire import text
from callcenter.telephony.events import DialFailed, HangupReason, PbxEvent, PhoneStatus, Snapshot
from callcenter.telephony.translate import DIAL_PREFIX, translate

Contacts = Mapping[str, frozenset[str]]


class LinkMemory:
    """State of one connection. Bounded by the live channels, the endpoints and the dials under way."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._contacts: dict[str, set[str]] = {}
        self._last_contact: dict[str, str] = {}
        self._dials: dict[str, bool] = {}
        self._ended: dict[str, HangupReason] = {}

    def fill(self, snapshot: Snapshot, contacts: Contacts) -> None:
        """Start from what is live; ``contacts`` are the callable addresses by endpoint."""
        self._names = {channel.channel_id: channel.name for channel in snapshot.channels.values()}
        self._contacts = {endpoint: set(uris) for endpoint, uris in contacts.items()}
        self._last_contact |= {endpoint: uri for endpoint, uris in contacts.items() for uri in uris}

    def clear(self) -> None:
        """Forget all: the connection is lost."""
        for part in (self._names, self._contacts, self._dials, self._ended):
            part.clear()

    def name_of(self, channel_id: str) -> str | None:
        """The channel's name as conference actions want it; None when it is not known (any more)."""
        return self._names.get(channel_id)

    def contact_of(self, endpoint: str) -> str | None:
        """The URI at which an endpoint is, or was last, registered; None when it never was."""
        return self._last_contact.get(endpoint)

    def dialling(self, channel_id: str) -> None:
        """An originate of this channel id is about to be sent."""
        self._dials[channel_id] = False

    def dial_refused(self, channel_id: str) -> None:
        """Asterisk did not take the originate; it will report nothing about it."""
        self._dials.pop(channel_id, None)
        self._ended.pop(channel_id, None)

    def ending(self, channel_id: str, reason: HangupReason) -> None:
        """We are about to hang up this channel ourselves."""
        if channel_id in self._dials:
            self._ended[channel_id] = reason

    def observe(self, message: Mapping[str, Any]) -> PbxEvent | None:
        """Take one event into account and say what the domains should hear of it."""
        name = text(message, "Event")
        channel_id = text(message, "Uniqueid")
        event = translate(message)
        match name if channel_id else "":
            case "Newchannel" | "Newstate" | "ConfbridgeJoin":
                self._names[channel_id] = text(message, "Channel")
            case "Rename":
                self._names[channel_id] = text(message, "Newname")
            case "Hangup":
                self._names.pop(channel_id, None)
            case _:
                pass
        if name == "OriginateResponse":
            return self._dial_ended(message, event)
        if channel_id in self._dials and name != "UserEvent":
            self._dials[channel_id] = True
        if isinstance(event, PhoneStatus):
            return self._phone(event, text(message, "URI"))
        return event

    def _dial_ended(self, message: Mapping[str, Any], event: PbxEvent | None) -> PbxEvent | None:
        channel_id = text(message, "ActionID").removeprefix(DIAL_PREFIX)
        seen = self._dials.pop(channel_id, False)
        ended = self._ended.pop(channel_id, None)
        if not isinstance(event, DialFailed):
            return event
        # A channel that existed reports its own end, with the exact cause; this coarse one would compete.
        if seen:
            return None
        return DialFailed(channel_id, ended) if ended is not None else event

    def _phone(self, event: PhoneStatus, uri: str) -> PhoneStatus:
        if event.registered:
            self._last_contact[event.endpoint] = uri
        uris = self._contacts.setdefault(event.endpoint, set())
        (uris.add if event.registered else uris.discard)(uri)
        if not uris:
            del self._contacts[event.endpoint]
        return PhoneStatus(event.endpoint, bool(uris))
