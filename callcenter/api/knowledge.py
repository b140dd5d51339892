"""The knowledge base over REST: full text with snippets, versions, who wrote what (B4)."""

from typing import Annotated, Any

from fastapi import Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.errors import Conflict
from callcenter.knowledge.model import ArticleRow, ArticleVersionRow, Category, State
from callcenter.knowledge.service import Content, Knowledge, articles_query, get_article, search
from callcenter.knowledge.text import snippet
from callcenter.people.service import same_version
from callcenter.shapes import Line, LongLine, Version

router = idempotency.router("/knowledge", "knowledge")

Reader = Annotated[Principal, Depends(require("knowledge:read"))]
Writer = Annotated[Principal, Depends(require("knowledge:write"))]

Tag = Annotated[str, Field(pattern=r"^[0-9A-Za-z\u4e00-\u9fff]{1,20}$", examples=["长护险"])]
Markdown = Annotated[
    str,
    Field(
        min_length=1,
        max_length=50_000,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",
        description="Markdown; kept as it is, so whoever shows it must not let HTML in it act.",
    ),
]


def _knowledge(services: ServicesDep) -> Knowledge:
    return Knowledge(services.clock, services.bus)


KnowledgeDep = Annotated[Knowledge, Depends(_knowledge)]


class SnippetView(BaseModel):
    """The part of the body that fits best. ``matches``: [start, end) in UTF-16 units, as JavaScript counts."""

    text: str
    matches: list[tuple[int, int]]


class ArticleHead(BaseModel):
    """An article without its body."""

    id: str
    title: str
    category: Category
    state: State
    tags: list[str]
    version: int
    author: str
    created_by: str
    created_at: Moment
    updated_at: Moment


class FoundArticle(ArticleHead):
    """An article in a list; ``snippet`` when it was searched for."""

    snippet: SnippetView | None


class Article(ArticleHead):
    """A whole article."""

    body: str


class ArticleVersion(BaseModel):
    """An article as it was, by whom and when."""

    version: int
    at: Moment
    author: str
    title: str
    category: Category
    state: State
    tags: list[str]
    body: str

    @classmethod
    def of(cls, row: ArticleVersionRow) -> "ArticleVersion":
        values = {name: getattr(row, name) for name in cls.model_fields}
        return cls(**{**values, "tags": list(row.tags)})


class ArticleInput(BaseModel):
    """What an article says."""

    model_config = ConfigDict(extra="forbid")

    title: LongLine = Field(examples=["长期护理保险怎么申请"])
    body: Markdown = Field(examples=["## 条件\n连续参保两年以上……"])
    category: Category = Category.OTHER
    tags: list[Tag] = Field([], max_length=15)
    state: State = State.DRAFT

    def content(self) -> Content:
        """The same inside."""
        return Content(
            title=self.title,
            body=self.body,
            category=self.category,
            state=self.state,
            tags=tuple(dict.fromkeys(self.tags)),
        )


class ArticleChange(ArticleInput):
    """The whole article anew. ``version``: as it was read; another answers 409."""

    version: Version | None = None


def _seen(who: Principal) -> frozenset[State]:
    """Who only reads, reads what is published."""
    return frozenset(State) if who.may(Permission.KNOWLEDGE_WRITE) else frozenset({State.PUBLISHED})


def _head(row: ArticleRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in ArticleHead.model_fields}
    return {**values, "tags": list(row.tags)}


def _shown(row: ArticleRow, response: Response) -> Article:
    tag(response, row.version)
    return Article(**_head(row), body=row.body)


@router.get("", responses=responses(409))
async def list_articles(
    who: Reader,
    session: SessionDep,
    part: PageDep,
    query: Annotated[LongLine | None, Query(description="A question or words; the best answer first.")] = None,
    category: Annotated[Category | None, Query()] = None,
    tag: Annotated[Line | None, Query()] = None,
    state: Annotated[State | None, Query(description="For who writes; others see what is published.")] = None,
) -> Page[FoundArticle]:
    """Articles: the latest first, or with ``query`` the best first, with the place that fits."""
    states = _seen(who) & ({state} if state is not None else frozenset(State))
    among = articles_query(states, category=category, tag=tag)
    if query is None:
        rows, following = await fetch_page(session, among, ArticleRow.id, part, newest_first=True)
        return Page(items=[FoundArticle(**_head(row), snippet=None) for row in rows], next=following)
    cursor = part.cursor or "0"
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 6):
        raise Conflict("this cursor belongs to another list; begin again without it")
    offset = int(cursor)
    found, wanted = await search(session, query, among, offset=offset, limit=part.limit + 1)
    items = []
    for row in found[: part.limit]:
        place = snippet(row.body, wanted)
        items.append(FoundArticle(**_head(row), snippet=SnippetView(text=place.text, matches=place.matches)))
    return Page(items=items, next=str(offset + part.limit) if len(found) > part.limit else None)


@router.post("", status_code=201, responses=responses(409))
async def create_article(
    body: ArticleInput, who: Writer, session: SessionDep, knowledge: KnowledgeDep, response: Response
) -> Article:
    """Write an article."""
    return _shown(await knowledge.create(session, body.content(), who.user), response)


@router.get("/{id}", responses=responses(404))
async def read_article(id: Id, who: Reader, session: SessionDep, response: Response) -> Article:
    """One article; the ETag is for `If-Match`."""
    return _shown(await get_article(session, id, _seen(who)), response)


@router.put("/{id}", responses=responses(404, 409, 412))
async def change_article(
    id: Id,
    body: ArticleChange,
    who: Writer,
    session: SessionDep,
    knowledge: KnowledgeDep,
    response: Response,
    if_match: IfMatch = None,
) -> Article:
    """Make a new version of it; the ones before stay readable."""
    row = await get_article(session, id, _seen(who))
    check_match(row.version, if_match)
    same_version(row.version, body.version)
    await knowledge.change(session, row, body.content(), who.user)
    return _shown(row, response)


@router.get("/{id}/versions", responses=responses(404))
async def article_versions(id: Id, who: Reader, session: SessionDep, knowledge: KnowledgeDep) -> Page[ArticleVersion]:
    """All versions, newest first; who only reads sees those that were published."""
    row = await get_article(session, id, _seen(who))
    versions = await knowledge.versions(session, row.id, _seen(who))
    return Page(items=[ArticleVersion.of(version) for version in versions], next=None)
