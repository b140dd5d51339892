"""Elders and response plans as they come in: checked shapes, for the API, imports and demo data."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from callcenter.emergency.kinds import Kind
from callcenter.emergency.plan import MAX_SECONDS, MAX_STEPS, Accept, Target
from callcenter.people.model import ContactRole, Sex
from callcenter.shapes import WHOLE, Day, Flag, Line, LongLine, Number, Phone, Prose, Reference, Version

Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,40}$", examples=["SZ-2024-0001"])]
IdNumber = Annotated[str, Field(pattern=r"^[1-9][0-9]{16}[0-9X]$", examples=["320502194503120025"])]
Group = Annotated[str, Field(pattern=r"^[0-9A-Za-z\u4e00-\u9fff]{1,20}$", examples=["独居"])]
Phones = Annotated[list[Phone], Field(max_length=10)]
Groups = Annotated[list[Group], Field(max_length=15)]
Latitude = Annotated[Number, Field(ge=-90, le=90)]
Longitude = Annotated[Number, Field(ge=-180, le=180)]


class ContactInput(BaseModel):
    """A person to alert or to add, in the order of the list."""

    model_config = ConfigDict(extra="forbid")

    role: ContactRole
    name: Line = Field(examples=["陈晓燕"])
    phone: Phone


Contacts = Annotated[list[ContactInput], Field(max_length=40)]


class ElderInput(BaseModel):
    """A new elder. ``code``: the elder's own number in the register (C5); one is made when it is left out."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    name: Line = Field(examples=["陈桂英"])
    code: Code | None = None
    phones: Phones = []
    contacts: Contacts = []
    groups: Groups = []
    id_number: IdNumber | None = None
    sex: Sex | None = None
    birth_date: Day | None = None
    area: Line | None = Field(None, examples=["姑苏区"])
    address: LongLine | None = Field(None, examples=["苏州市姑苏区平江路 12 号 301 室"])
    door_code: Annotated[Line, Field(max_length=40)] | None = None
    key_holder_name: Line | None = None
    key_holder_phone: Phone | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    medical_notes: Prose | None = Field(None, examples=["高血压，青霉素过敏"])
    plan_id: Reference | None = None
    active: Flag = True


class ElderPatch(ElderInput):
    """A change: only what is given is changed, lists as a whole; null clears what may be empty."""

    name: Line = ""
    code: Code = ""
    version: Version | None = None


class StepInput(BaseModel):
    """Whom to alert how many seconds after the press."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)

    at_seconds: Number = Field(ge=0, le=MAX_SECONDS)
    targets: list[Target] = Field(min_length=1, max_length=len(Target))
    accept: Accept = Field(Accept.KEY, description="How a phone outside accepts: by key 1, or by picking up.")


class PlanInput(BaseModel):
    """A response plan: steps in order of time, the first at 0 seconds."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "独居老人跌倒",
                    "steps": [
                        {"at_seconds": 0, "targets": ["free_seats", "family"]},
                        {"at_seconds": 5, "targets": ["duty", "community"]},
                    ],
                    "checklist": ["询问是否受伤", "确认地址与门锁密码"],
                }
            ]
        },
    )

    name: Line
    steps: list[StepInput] = Field(min_length=1, max_length=MAX_STEPS)
    checklist: list[LongLine] = Field([], max_length=50)
    checklists: dict[Kind, Annotated[list[LongLine], Field(max_length=50)]] = Field(
        {}, description="Other checklists by kind of event (A6)."
    )
    repeat_every_seconds: Number = Field(10, ge=1, le=MAX_SECONDS)
    area: Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")] = Field(
        "", description="The plan of everybody in this area who has none of their own."
    )
    priority: Annotated[int, Field(ge=0, le=100), WHOLE] = Field(0, description="Higher first when many press at once.")


class PlanPatch(PlanInput):
    """A change of a plan: only what is given; incidents already open keep the plan they opened with."""

    name: Line = ""
    steps: list[StepInput] = Field([], min_length=1, max_length=MAX_STEPS)
    version: Version | None = None
