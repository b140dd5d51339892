"""What the desk sends of queues, skills and days."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from callcenter.shapes import WHOLE, Day, Flag, Line, Number

CODE_PATTERN = r"^[a-z][a-z0-9-]{0,39}$"
Skill = Annotated[str, Field(max_length=40, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", examples=["吴语"])]
SkillName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
Level = Annotated[int, Field(ge=1, le=5), WHOLE]
OptionalLine = Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["08:30"])]
To = Annotated[
    str,
    Field(
        max_length=60,
        pattern=r"^(stay|voicemail|callback|queue:[a-z][a-z0-9-]{0,39}|number:\+?[0-9]{3,15})$",
        description="stay, voicemail, callback, queue:<code>, or number:<n> (another centre).",
        examples=["stay"],
    ),
]
Duration = Annotated[Number, Field(ge=0, le=86_400)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class HoursInput(_Input):
    """A span of opening hours in Asia/Shanghai, on the days on which it begins."""

    days: list[Annotated[int, Field(ge=1, le=7), WHOLE]] = Field(min_length=1, max_length=7)
    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to", description="Before `from`: over midnight. The same: the whole day.")


class ClosedInput(_Input):
    """Where callers go who come while it is closed or full."""

    to: To = "stay"


class OverflowInput(_Input):
    """Where callers go who cannot be served in time. Seconds, or callers for `length`."""

    when: Literal["wait", "length", "expected_wait"]
    over: Duration
    to: To


class QueueSettings(_Input):
    """One queue's settings."""

    name: Line
    name_en: OptionalLine = ""
    skill: Skill = Field("", description="What a seat must know; empty: any seat.")
    min_level: Level = 1
    priority: Annotated[int, Field(ge=0, le=9), WHOLE] = 0
    service_level_seconds: Annotated[Number, Field(gt=0, le=3600)] = 20
    service_level_target: Annotated[Number, Field(gt=0, le=1)] = 0.8
    wrap_up_seconds: Annotated[Number, Field(ge=0, le=600)] | None = Field(
        None, description="null: as in the settings."
    )
    ring_seconds: Annotated[int, Field(ge=5, le=120), WHOLE] | None = Field(
        None, description="null: as in the settings."
    )
    sticky_seconds: Annotated[Number, Field(ge=0, le=600)] = Field(
        0, description="A caller waits so long for the operator she spoke with last, if that one is there."
    )
    area_first: Flag = False
    ageing_seconds: Duration = Field(60, description="Waiting so long is worth one point of priority; 0: nothing.")
    announce_position: Flag = True
    announce_wait: Flag = False
    max_length: Annotated[int, Field(ge=0, le=10_000), WHOLE] = Field(0, description="Full at so many; 0: never.")
    hours: list[HoursInput] = Field([], max_length=50, description="None: always.")
    holidays: Literal["closed", "open", "hours"] = Field("hours", description="hours: a holiday is as any other day.")
    closed: ClosedInput = ClosedInput()
    overflow: list[OverflowInput] = Field([], max_length=20)


class QueueInput(QueueSettings):
    """A new queue."""

    code: Annotated[str, Field(pattern=CODE_PATTERN, examples=["dialect"])]


class SkillsInput(_Input):
    """What a seat knows, and whose elders it serves first."""

    skills: dict[SkillName, Level] = Field({}, max_length=50)
    area: OptionalLine = ""


class SaidInput(_Input):
    """How a day is otherwise than the calendar says."""

    kind: Literal["open", "closed"]
    name: OptionalLine = ""


class OwnDayInput(SaidInput):
    """A day that is otherwise than the calendar says."""

    date: Day


class OwnDaysInput(_Input):
    """All days of one's own; what is left out is as in the calendar again."""

    days: list[OwnDayInput] = Field(max_length=400)

    def by_date(self) -> dict[date, OwnDayInput]:
        """Each day once; the last word counts."""
        return {day.date: day for day in self.days}
