"""The hotline's menus over REST: drafts, what is wrong with them, the one in force (B1)."""

from typing import Annotated

from fastapi import Depends, Response
from pydantic import BaseModel, Field

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, hint, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.menus import service
from callcenter.menus.model import BUILT_IN
from callcenter.menus.schemas import MenuInput, NodeInput
from callcenter.menus.tables import MenuRow, MenuState

router = idempotency.router("/menus", "menus")

READER = [Depends(require("queues:read"))]
Writer = Annotated[Principal, Depends(require("queues:write"))]


class MenuView(BaseModel):
    """One version of a menu."""

    id: str = Field(description="`built-in`: what callers hear while no menu is published.")
    name: str
    line: str
    version: int = Field(description="Of the line's menu, 1 and up; 0 is the built-in one.")
    state: MenuState
    root: str
    nodes: dict[str, NodeInput]
    published_at: Moment | None
    published_by: str
    updated_at: Moment | None
    revision: int = Field(description="Of this draft as it was read: its ETag, for `If-Match`.")

    @classmethod
    def of(cls, row: MenuRow) -> "MenuView":
        same = ("id", "name", "line", "root", "nodes", "published_at", "published_by", "updated_at")
        values = {name: getattr(row, name) for name in same}
        return cls(**values, version=row.edition, state=MenuState(row.state), revision=row.version)


class ProblemView(BaseModel):
    """A way in which a caller could be lost."""

    node: str = Field(description="Empty: the menu as a whole.")
    code: str
    text: str
    key: str = Field(description="Of which key it is, or `otherwise`; empty: of the whole node.")
    to: str = Field(description="The name that is wrong, where one is.")


class MenuProblems(BaseModel):
    """Everything that is wrong with a menu; nothing is, when it may go live."""

    problems: list[ProblemView]


def _built_in() -> MenuView:
    nodes = {
        name: NodeInput.model_validate(
            {
                "prompts": list(node.prompts),
                "again": list(node.again),
                "choices": {key: {"do": action.do, "to": action.to} for key, action in node.choices.items()},
                "otherwise": {"do": node.otherwise.do, "to": node.otherwise.to},
                "timeout_seconds": node.timeout_seconds,
                "tries": node.tries,
            }
        )
        for name, node in BUILT_IN.nodes.items()
    }
    return MenuView(
        id=BUILT_IN.id,
        name="内置菜单",
        line=BUILT_IN.line,
        version=0,
        state=MenuState.LIVE,
        root=BUILT_IN.root,
        nodes=nodes,
        published_at=None,
        published_by="",
        updated_at=None,
        revision=0,
    )


@router.get("", dependencies=READER, responses=responses())
async def list_menus(session: SessionDep, part: PageDep) -> Page[MenuView]:
    """All versions of all menus, newest first; the built-in one is at `/menus/live` while nothing is published."""
    rows, following = await fetch_page(session, service.menus_query(), MenuRow.id, part, newest_first=True)
    return Page(items=[MenuView.of(row) for row in rows], next=following)


@router.get("/live", dependencies=READER, responses=responses())
async def get_live_menu(session: SessionDep) -> MenuView:
    """The menu that new callers hear."""
    row = await service.live_menu(session)
    return MenuView.of(row) if row is not None else _built_in()


@router.post("", status_code=201, responses=responses(409))
async def create_menu(
    body: MenuInput, _: Writer, session: SessionDep, services: ServicesDep, response: Response
) -> MenuView:
    """Write a draft."""
    row = await service.create_menu(session, services.clock, body)
    tag(response, row.version)
    return MenuView.of(row)


@router.get("/{id}", dependencies=READER, responses=responses(404))
async def get_menu(id: Id, session: SessionDep, response: Response) -> MenuView:
    """One version of a menu."""
    if id == BUILT_IN.id:
        return _built_in()
    row = await service.get_menu(session, id)
    tag(response, row.version)
    return MenuView.of(row)


@router.put("/{id}", responses=responses(404, 409, 412))
async def change_menu(
    id: Id,
    body: MenuInput,
    _: Writer,
    session: SessionDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> MenuView:
    """Write a draft anew. One that is or was live is never changed: copy it."""
    row = await service.get_menu(session, id)
    check_match(row.version, if_match)
    await service.change_menu(session, services.clock, row, body)
    tag(response, row.version)
    return MenuView.of(row)


@router.post("/{id}/copy", status_code=201, responses=responses(404, 409))
async def copy_menu(id: Id, _: Writer, session: SessionDep, services: ServicesDep, response: Response) -> MenuView:
    """A new draft that begins as this version is; `built-in` is one too."""
    if id == BUILT_IN.id:
        row = await service.copy_built_in(session, services.clock)
    else:
        row = await service.copy_menu(session, services.clock, await service.get_menu(session, id))
    tag(response, row.version)
    return MenuView.of(row)


@router.post("/{id}/check", dependencies=READER, responses=responses(404))
async def check_menu(id: Id, session: SessionDep) -> MenuProblems:
    """What is wrong with it: dead ends, unknown queues and prompts, no way to an emergency or to a human."""
    found = await service.check_menu(session, await service.get_menu(session, id))
    return MenuProblems(problems=[ProblemView.model_validate(one, from_attributes=True) for one in found])


@router.post("/{id}/publish", responses=responses(404, 409))
async def publish_menu(id: Id, who: Writer, session: SessionDep, services: ServicesDep, response: Response) -> MenuView:
    """Put a draft in force for new callers; refused with `problems` when it could lose one."""
    row = await service.get_menu(session, id)
    await service.publish_menu(session, services.clock, row, who.user)
    hint(session, service.CHANGED)
    tag(response, row.version)
    return MenuView.of(row)
