"""Signs of life as one part of the controller: the silent elder, lines that die, music that does not (R14–R17)."""

from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency.service import Emergencies
from callcenter.emergency.silence import rules
from callcenter.ledger import Ledger
from callcenter.life.lines import Lines
from callcenter.life.music import Music
from callcenter.life.phones import Phones
from callcenter.life.quiet import Quiet
from callcenter.life.roll_call import RollCall
from callcenter.routing.service import Routing
from callcenter.settings import Settings
from callcenter.telephony.events import (
    ChannelHungUp,
    HoldMusic,
    PbxEvent,
    PhoneStatus,
    TalkingStarted,
    TalkingStopped,
)
from callcenter.telephony.pbx import Pbx


class Life:
    """Who in an emergency's room is alive."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        calls: Calls,
        routing: Routing,
        emergencies: Emergencies,
        pbx: Pbx,
    ) -> None:
        table = rules(
            settings.silence_ask_seconds,
            settings.silence_louder_seconds,
            settings.silence_call_back_seconds,
            settings.silence_send_seconds,
        )
        self.quiet = Quiet(ledger, calls, emergencies, pbx, clock, table)
        self.phones = Phones(calls, routing, pbx, clock)
        self.lines = Lines(
            ledger,
            calls,
            self.phones,
            emergencies,
            self.quiet,
            pbx,
            clock,
            stalled_seconds=settings.line_stalled_seconds,
            dropped_seconds=settings.line_dropped_seconds,
        )
        self.music = Music(calls, emergencies, pbx)
        self.roll_call = RollCall(calls, routing, self.phones, pbx, clock)
        self.ticks = (self.lines.tick, self.phones.tick, self.quiet.tick, self.music.tick, self.roll_call.tick)
        """What goes by time: each several times a second, with the monotonic time."""

    def hear(self, event: PbxEvent) -> None:
        """Take in one event of the switchboard; most mean nothing here."""
        match event:
            case TalkingStarted() | TalkingStopped():
                self.quiet.hear(event)
            case PhoneStatus():
                self.phones.heard(event)
                self.lines.phone(event)
            case HoldMusic() | ChannelHungUp():
                self.music.hear(event)
            case _:
                pass

    def resume(self) -> None:
        """In step with Asterisk, at the start or again: what was said meanwhile is not known."""
        self.quiet.resume()
        self.lines.resume()
