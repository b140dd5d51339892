"""Menus in the database: written as drafts, checked, published; never changed once they are live (B1)."""

from typing import Any

import msgspec
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.clock import Clock
from callcenter.errors import Conflict, NotFound
from callcenter.ids import new_id
from callcenter.menus.book import KEPT_VERSIONS, Book
from callcenter.menus.model import BUILT_IN, Do, MenuProblem, actions, problems
from callcenter.menus.prompts import built_in_prompts, custom_prompts
from callcenter.menus.schemas import MenuInput
from callcenter.menus.tables import MenuRow, MenuState, menu_of
from callcenter.phone import is_emergency_service, is_ordinary, normalise
from callcenter.queues.service import all_queues

CHANGED = "menus.changed"
"""Bus topic: a menu was published; read the book again."""


class MenuHasProblems(Conflict):
    """It must not go live; ``extra["problems"]`` says why."""

    code = "menu_has_problems"


def callable_number(number: str) -> bool:
    """Whether a menu may dial a number: an outside one in our own country, and never an emergency service."""
    canonical = normalise(number)
    return canonical is not None and is_ordinary(canonical) and not is_emergency_service(canonical)


def menus_query() -> Select[MenuRow]:
    """All versions of all menus."""
    return select(MenuRow)


async def get_menu(session: AsyncSession, id: str) -> MenuRow:
    """The menu of that id, or `NotFound`."""
    row = await session.get(MenuRow, id)
    if row is None:
        raise NotFound("no menu has this id")
    return row


async def live_menu(session: AsyncSession, line: str = "hotline") -> MenuRow | None:
    """The menu in force; None when it is the built-in one."""
    return (
        await session.scalars(select(MenuRow).where(MenuRow.line == line, MenuRow.state == MenuState.LIVE.value))
    ).one_or_none()


async def create_menu(session: AsyncSession, clock: Clock, data: MenuInput) -> MenuRow:
    """Write a draft, the line's next version."""
    return await _create(session, clock, data.name, data.line, data.root, _nodes(data))


async def copy_menu(session: AsyncSession, clock: Clock, row: MenuRow) -> MenuRow:
    """A draft that begins as another version is."""
    return await _create(session, clock, row.name, row.line, row.root, row.nodes)


async def copy_built_in(session: AsyncSession, clock: Clock) -> MenuRow:
    """A draft that begins as the built-in menu is."""
    nodes = msgspec.to_builtins(BUILT_IN.nodes)
    return await _create(session, clock, "热线菜单", BUILT_IN.line, BUILT_IN.root, nodes)


async def _create(
    session: AsyncSession, clock: Clock, name: str, line: str, root: str, nodes: dict[str, Any]
) -> MenuRow:
    last = await session.scalar(select(func.max(MenuRow.edition)).where(MenuRow.line == line))
    row = MenuRow(
        id=new_id(),
        name=name,
        line=line,
        edition=(last or 0) + 1,
        state=MenuState.DRAFT.value,
        root=root,
        nodes=nodes,
        published_by="",
        created_at=clock.now(),
        updated_at=clock.now(),
    )
    session.add(row)
    await session.flush()
    return row


async def change_menu(session: AsyncSession, clock: Clock, row: MenuRow, data: MenuInput) -> None:
    """Write a draft anew; raises `Conflict` for one that is or was live."""
    if row.state != MenuState.DRAFT:
        raise Conflict(
            f"a {row.state} menu is not changed; make a new version of it (copy) and publish that",
            reason="menu_no_draft",
        )
    row.name, row.line, row.root, row.nodes = data.name, data.line, data.root, _nodes(data)
    row.updated_at = clock.now()
    await session.flush()


async def check_menu(session: AsyncSession, row: MenuRow) -> list[MenuProblem]:
    """What is wrong with it, against the queues and prompts there are now."""
    queues = {queue.code for queue in await all_queues(session)}
    names = built_in_prompts() | {prompt.name for prompt in await custom_prompts(session)}
    return problems(menu_of(row), prompts=names, queues=queues, callable_number=callable_number)


async def publish_menu(session: AsyncSession, clock: Clock, row: MenuRow, user: str) -> None:
    """Put a draft in force; raises `MenuHasProblems`, or `Conflict` for what is no draft.

    Callers who are in the one it replaces end in that one.
    """
    if row.state != MenuState.DRAFT:
        raise Conflict(
            f"a {row.state} menu cannot be published; make a new version of it (copy) and publish that",
            reason="menu_no_draft",
        )
    found = await check_menu(session, row)
    if found:
        raise MenuHasProblems(
            f"this menu would lose callers: {found[0].text}", problems=[msgspec.to_builtins(one) for one in found]
        )
    before = await live_menu(session, row.line)
    if before is not None:
        before.state = MenuState.RETIRED.value
        before.updated_at = clock.now()
        await session.flush()
    row.state = MenuState.LIVE.value
    row.published_at = row.updated_at = clock.now()
    row.published_by = user
    await session.flush()


async def check_unused(session: AsyncSession, queue: str) -> None:
    """Raises `Conflict` while a key of a live menu leads to the queue: callers who press it would wait elsewhere."""
    for row in await session.scalars(select(MenuRow).where(MenuRow.state == MenuState.LIVE.value)):
        nodes = menu_of(row).nodes.values()
        if any(action.do is Do.QUEUE and action.to == queue for node in nodes for action in actions(node)):
            raise Conflict(
                f"the live menu {row.name!r} leads callers here; publish one that does not, then delete it",
                reason="queue_in_menu",
                menu=row.name,
            )


async def read_book(session: AsyncSession) -> Book:
    """The live menu of the hotline and those it replaced lately."""
    live = await live_menu(session)
    earlier = await session.scalars(
        select(MenuRow)
        .where(MenuRow.state == MenuState.RETIRED.value)
        .order_by(MenuRow.published_at.desc())
        .limit(KEPT_VERSIONS)
    )
    return Book(menu_of(live) if live is not None else None, tuple(menu_of(row) for row in earlier))


def _nodes(data: MenuInput) -> dict[str, Any]:
    nodes: dict[str, Any] = data.model_dump(mode="json")["nodes"]
    return nodes
