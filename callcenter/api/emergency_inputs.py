"""What a request about an emergency may say."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from callcenter.api.types import Phone, Prose, UserName
from callcenter.emergency.help import HELP_ROLES
from callcenter.emergency.kinds import Kind


class HelpInput(BaseModel):
    """Who is to be brought in (A2)."""

    model_config = ConfigDict(extra="ignore")

    role: Annotated[str, Field(pattern="^(" + "|".join(HELP_ROLES) + ")$", examples=["120"])]
    number: Annotated[str | None, Field(max_length=40, examples=["13800001001"])] = None
    everybody: Annotated[
        bool, Field(description="All of the role at once; else one after the other, in the order of her file.")
    ] = False


class MuteInput(BaseModel):
    """Whether somebody's voice stays out of the room."""

    muted: bool


class KindInput(BaseModel):
    """What kind of event it is."""

    kind: Kind


class TickInput(BaseModel):
    """A sentence of the checklist, as it stands there, and whether it is done."""

    sentence: Annotated[str, Field(max_length=500)]
    done: bool = True


class BriefingInput(BaseModel):
    """To whom the briefing goes: everybody of a role in her file, or a number (A4)."""

    role: Annotated[str, Field(pattern="^(" + "|".join(HELP_ROLES) + ")$", examples=["doctor"])]
    number: Annotated[str | None, Field(max_length=40)] = None
    confirmed: Annotated[bool, Field(description="The operator has confirmed what 120 is sent.")] = False


class BroadcastInput(BaseModel):
    """A recorded prompt for everybody who waits (R21)."""

    prompt: Literal["mass-event", "hold-on", "connecting", "all-helpers-notified"] = "mass-event"


class NeedInput(BaseModel):
    """Who is in need, and what of."""

    elder_id: Annotated[str | None, Field(max_length=64)] = None
    caller: Annotated[str | None, Field(max_length=40, description="Number to call, when she is not on file.")] = None
    kind: Kind = Kind.MANUAL
    plan_id: Annotated[str | None, Field(max_length=64, description="Another plan than hers.")] = None


class RaiseInput(NeedInput):
    """An emergency raised at the desk: a caller is in need, a neighbour calls, an elder is not reached."""

    call_id: Annotated[
        str | None,
        Field(
            max_length=64,
            description="A running routine call that becomes the emergency: whoever is in it stays. "
            "Without it she is called, unless a call from her own number is running: then it is that one.",
        ),
    ] = None


class DrillInput(NeedInput):
    """A drill (A6): only who is named here is ever dialled, texted or rung."""

    seats: Annotated[list[UserName], Field(max_length=100)] = []
    numbers: Annotated[
        dict[Annotated[str, Field(pattern="^(elder|duty|center|" + "|".join(HELP_ROLES) + ")$")], Phone],
        Field(max_length=20, examples=[{"elder": "13800000001", "120": "13800000002"}]),
    ] = {}


class CloseInput(BaseModel):
    """How it ended. ``note`` and ``notes`` are other names for ``summary``; a further field does not stop a close."""

    model_config = ConfigDict(extra="ignore")

    outcome: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$",
                                  examples=["hospital"])]  # fmt: skip
    cause: Annotated[
        str, Field(max_length=40, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["fall"], description="A code of causes.")
    ] = ""
    summary: Annotated[
        Prose,
        Field(examples=["跌倒，120送往市立医院，女儿陪同"], validation_alias=AliasChoices("summary", "note", "notes")),
    ] = ""
