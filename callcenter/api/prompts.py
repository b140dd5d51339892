"""Voice prompts over REST: the product's own, and uploaded ones (B1)."""

import functools
import json
from typing import Annotated, Any

from fastapi import Depends, File, Form, Path, Response, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, require
from callcenter.api.problems import responses
from callcenter.api.types import Moment, Page
from callcenter.errors import InvalidInput
from callcenter.menus import prompts
from callcenter.menus.schemas import CUSTOM_PATTERN, PROMPT_PATTERN
from callcenter.menus.tables import PromptRow

router = idempotency.router("/prompts", "menus")

READER = [Depends(require("queues:read"))]
Writer = Annotated[Principal, Depends(require("queues:write"))]
Name = Annotated[str, Path(pattern=PROMPT_PATTERN, examples=["menu"])]


class Prompt(BaseModel):
    """A prompt that a menu may play."""

    name: str
    text: str = Field(description="What is said in it.")
    custom: bool = Field(description="Uploaded, so that it may be deleted.")
    seconds: float | None
    created_at: Moment | None
    created_by: str
    audio: str = Field(description="Where to listen.")

    @classmethod
    def of(cls, row: PromptRow) -> "Prompt":
        values = {name: getattr(row, name) for name in ("name", "text", "seconds", "created_at", "created_by")}
        return cls(**values, custom=True, audio=f"{router.prefix}/{row.name}/audio")


@functools.cache
def _texts() -> dict[str, str]:
    told: dict[str, Any] = json.loads((prompts.SOUNDS / "prompts.json").read_text("utf-8"))
    texts: dict[str, str] = told["prompts"]
    return texts


def _own(name: str) -> Prompt:
    audio = f"{router.prefix}/{name}/audio"
    text = _texts().get(name, "")
    return Prompt(name=name, text=text, custom=False, seconds=None, created_at=None, created_by="", audio=audio)


@router.get("", dependencies=READER, responses=responses())
async def list_prompts(session: SessionDep) -> Page[Prompt]:
    """All prompts, uploaded ones first; never more than one page."""
    uploaded = [Prompt.of(row) for row in await prompts.custom_prompts(session)]
    return Page(items=[*uploaded, *map(_own, sorted(prompts.built_in_prompts()))], next=None)


@router.post("", status_code=201, responses=responses(409, 413))
async def upload_prompt(
    name: Annotated[str, Form(pattern=CUSTOM_PATTERN, examples=["custom-spring"])],
    file: Annotated[UploadFile, File(description="WAV, MP3 or Ogg; at most 1 MB and 120 s.")],
    who: Writer,
    session: SessionDep,
    services: ServicesDep,
    text: Annotated[str, Form(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")] = "",
) -> Prompt:
    """Upload a prompt, or another recording in place of one. It is brought to the sound of the telephone."""
    audio = await file.read(prompts.MOST_BYTES + 1)
    if not audio:
        raise InvalidInput("the file is empty", field="file")
    row = await prompts.add_prompt(session, services.clock, services.settings.data, name, text, audio, who.user)
    return Prompt.of(row)


_AUDIO: dict[int | str, dict[str, Any]] = {200: {"content": {"audio/wav": {}}, "description": "The whole prompt."}}


@router.get(
    "/{name}/audio", dependencies=READER, response_class=FileResponse, responses={**responses(404, 416), **_AUDIO}
)
async def listen_to_prompt(name: Name, services: ServicesDep) -> Response:
    """The audio as callers hear it."""
    path = prompts.path_of(services.settings.data, name)
    return FileResponse(path, media_type="audio/wav", filename=f"{name}.wav", content_disposition_type="inline")


@router.delete("/{name}", status_code=204, responses=responses(404, 409))
async def delete_prompt(name: Name, _: Writer, session: SessionDep, services: ServicesDep) -> None:
    """Delete an uploaded prompt that no live menu plays."""
    await prompts.delete_prompt(session, services.settings.data, name)
