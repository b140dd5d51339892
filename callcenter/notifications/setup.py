"""The channels that the settings name, in their order."""

from collections.abc import Callable
from pathlib import Path

import structlog

from callcenter.clock import Clock
from callcenter.errors import CallCenterError
from callcenter.notifications import gateway, twilio, voice
from callcenter.notifications.channel import Channel
from callcenter.settings import Settings
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)


def channels(settings: Settings, pbx: Pbx, clock: Clock) -> list[Channel]:
    """Make them. One that cannot be made is left out, loudly: the emergency line starts without it all the same."""
    account: list[twilio.Twilio] = []

    def by_twilio() -> twilio.Twilio:
        if not account:
            account.append(twilio.Twilio(settings))
        return account[0]

    makers: dict[str, Callable[[], Channel]] = {
        gateway.NAME: lambda: gateway.Gateway(gateway.load(Path(settings.message_gateway)), clock),
        twilio.TEXT: lambda: twilio.TwilioText(by_twilio()),
        twilio.VOICE: lambda: twilio.TwilioVoice(by_twilio()),
        voice.NAME: lambda: voice.TrunkVoice(pbx, ring_seconds=settings.ring_seconds, shown=settings.trunk_caller),
    }
    made: list[Channel] = []
    for name in settings.message_channels:
        try:
            made.append(makers[name]())
        except CallCenterError as error:
            log.error("channel_unusable", channel=name, error=error.message)
    return made
