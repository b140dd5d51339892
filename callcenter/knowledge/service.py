"""Articles: written, changed version by version, found by full text (B4)."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Select, String, case, delete, func, insert, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.bus import Bus
from callcenter.clock import Clock
from callcenter.errors import NotFound
from callcenter.facts import record
from callcenter.ids import new_id
from callcenter.knowledge.facts import KnowledgeChanged
from callcenter.knowledge.model import ArticleRow, ArticleVersionRow, Category, State, TermRow
from callcenter.knowledge.text import asked, needed, rarity, weights
from callcenter.people.service import later
from callcenter.timeline.service import tell

_CONTENT = ("title", "category", "state", "tags", "body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an article says; ``body`` is Markdown."""

    title: str
    body: str
    category: Category = Category.OTHER
    state: State = State.DRAFT
    tags: tuple[str, ...] = ()


class Knowledge:
    """The service. It adds to the session it is given and never commits."""

    def __init__(self, clock: Clock, bus: Bus | None = None) -> None:
        self._clock = clock
        self._bus = bus

    async def create(self, session: AsyncSession, content: Content, actor: str) -> ArticleRow:
        """Write an article."""
        now = self._clock.now()
        row = ArticleRow(id=new_id(), author=actor, created_by=actor, created_at=now, updated_at=now)
        _fill(row, content)
        session.add(row)
        await session.flush()
        await self._keep(session, row)
        return row

    async def change(self, session: AsyncSession, row: ArticleRow, content: Content, actor: str) -> None:
        """Make a new version of it; the same content again makes none."""
        if all(getattr(row, name) == getattr(content, name) for name in _CONTENT):
            return
        _fill(row, content)
        row.author = actor
        row.updated_at = later(self._clock.now(), row.updated_at)
        await session.flush()
        await self._keep(session, row)

    async def versions(self, session: AsyncSession, id: str, states: Collection[State]) -> list[ArticleVersionRow]:
        """The article's versions in these states, newest first."""
        query = select(ArticleVersionRow).where(ArticleVersionRow.article_id == id, ArticleVersionRow.state.in_(states))
        return list(await session.scalars(query.order_by(ArticleVersionRow.version.desc())))

    async def _keep(self, session: AsyncSession, row: ArticleRow) -> None:
        values = {name: getattr(row, name) for name in _CONTENT}
        session.add(
            ArticleVersionRow(article_id=row.id, version=row.version, at=row.updated_at, author=row.author, **values)
        )
        await session.execute(delete(TermRow).where(TermRow.article_id == row.id))
        index = weights(row.title, row.tags, row.body)
        if index:
            rows = [{"term": term, "article_id": row.id, "weight": weight} for term, weight in index.items()]
            await session.execute(insert(TermRow), rows)
        body = KnowledgeChanged(article_id=row.id, version=row.version, state=row.state)
        await tell(session, self._bus, record(body, self._clock.now(), row.author))


def _fill(row: ArticleRow, content: Content) -> None:
    for name in _CONTENT:
        value = getattr(content, name)
        setattr(row, name, value.value if isinstance(value, Category | State) else value)


async def get_article(session: AsyncSession, id: str, states: Collection[State]) -> ArticleRow:
    """The article of that id in one of these states, or `NotFound`."""
    row = await session.scalar(articles_query(states).where(ArticleRow.id == id))
    if row is None:
        raise NotFound("no article has this id")
    return row


def articles_query(
    states: Collection[State], *, category: Category | None = None, tag: str | None = None
) -> Select[ArticleRow]:
    """Articles that fit all that is given."""
    query = select(ArticleRow).where(ArticleRow.state.in_(states))
    if category is not None:
        query = query.where(ArticleRow.category == category)
    if tag is not None:
        query = query.where(type_coerce(ArticleRow.tags, String).contains(f"|{tag}|", autoescape=True))
    return query


async def search(
    session: AsyncSession, question: str, among: Select[ArticleRow], *, offset: int, limit: int
) -> tuple[list[ArticleRow], list[str]]:
    """The articles that answer a question, the best first, and the terms that were looked for."""
    wanted = asked(question)
    if not wanted:
        return [], []
    having = select(TermRow.term, func.count().label("having")).where(TermRow.term.in_(wanted)).group_by(TermRow.term)
    counts: dict[str, int] = {row.term: row.having for row in await session.execute(having)}
    if not counts:
        return [], wanted
    articles = await session.scalar(select(func.count()).select_from(ArticleRow)) or 0
    rare = rarity(articles, counts)
    # Who has more of the terms is nearer to what was asked than who has one of them often.
    score = func.sum(TermRow.weight * case(rare, value=TermRow.term, else_=0.0)) * func.count()
    best = (
        select(TermRow.article_id, score.label("score"))
        .where(TermRow.term.in_(list(counts)))
        .where(TermRow.article_id.in_(among.with_only_columns(ArticleRow.id)))
        .group_by(TermRow.article_id)
        .having(func.count() >= needed(len(counts)))
        .order_by(score.desc(), TermRow.article_id.desc())
        .offset(offset)
        .limit(limit)
    )
    ids = [row.article_id for row in await session.execute(best)]
    rows = {row.id: row for row in await session.scalars(select(ArticleRow).where(ArticleRow.id.in_(ids)))}
    return [rows[found] for found in ids], wanted
