"""On a real Asterisk: music left on in a room with company hides the other's voice, and `rejoin` stops it (A1)."""

import asyncio
from pathlib import Path

from callcenter.asterisk_config import DIALPLAN, ami_secret
from callcenter.telephony.ami import AmiLink, running
from callcenter.telephony.asterisk_pbx import AsteriskPbx
from callcenter.telephony.events import HoldMusic, PbxEvent, RoomJoined, RoomLeft
from tests.support.asterisk import running_asterisk
from tests.support.sipp import Caller, until

COMPANY = 640.0
ARRIVALS = """
[from-trunk]
; The company comes first; she comes with music that nobody stops.
exten => 1,1,Answer(,i)
 same => n,ConfBridge(r1,cc_room,cc_leg)
exten => 2,1,Answer(,i)
 same => n,Set(CC_LINE=emergency)
 same => n,Set(CC_ROOM=r1)
 same => n,Set(CC_LEASE=60)
 same => n,StartMusicOnHold(cc-emergency)
 same => n,Goto(cc-room,s,1)
[cc-fallback]
exten => s,1,Hangup()
"""


async def test_given_music_in_company_when_sent_in_anew_then_she_hears_the_other(tmp_path: Path) -> None:
    arrivals = tmp_path / "99-arrivals.conf"
    arrivals.write_text(ARRIVALS, "utf-8")
    plan = [arrivals, DIALPLAN / "30-emergency.conf"]
    events: list[PbxEvent] = []
    with running_asterisk(tmp_path / "data", dialplan=plan) as asterisk:
        settings = asterisk.settings
        link = AmiLink("127.0.0.1", settings.ami_port, "callcenter", ami_secret(settings), on_event=events.append)
        async with running(link):
            await until(lambda: link.live, what="the link")
            company = await (await Caller.dial(tmp_path, settings, "1")).answered()
            company.media.play(COMPANY)
            elder = await (await Caller.dial(tmp_path, settings, "2")).answered()
            try:
                await until(lambda: any(isinstance(e, HoldMusic) and e.playing for e in events), what="music")
                her_id = next(e.channel_id for e in events if isinstance(e, HoldMusic))
                await until(lambda: RoomJoined("r1", her_id) in events, what="her in the room")
                before = elder.media.packets
                await until(lambda: elder.media.packets > before + 50, what="a second of sound")
                assert not elder.media.hears(COMPANY)

                await AsteriskPbx(link).redirect(her_id, "cc-room", "rejoin")
                await until(lambda: bool(elder.media.hears(COMPANY)), 2, "the other's voice")
                await until(lambda: HoldMusic(her_id, False) in events, what="the music's end")
                assert events.count(RoomJoined("r1", her_id)) == 2
                assert events.count(RoomLeft("r1", her_id)) == 1
            finally:
                await asyncio.gather(elder.close(), company.close())
