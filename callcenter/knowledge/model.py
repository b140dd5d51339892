"""Tables of the knowledge base: articles, their versions, and the index of their terms."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Float, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.db import Base, UtcDateTime, Versioned
from callcenter.knowledge.text import TERM_LENGTH
from callcenter.people.model import Tags


class Category(StrEnum):
    """What an article is about (B4, HB 信息查询咨询)."""

    POLICY = "policy"
    SERVICE = "service"
    PRICE = "price"
    HOSPITAL = "hospital"
    ORGANISATION = "organisation"
    OTHER = "other"


class State(StrEnum):
    """Operators read what is published."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class ArticleRow(Versioned, Base):
    """An article as it is now. ``author`` wrote this version, ``created_by`` the first."""

    __tablename__ = "knowledge_articles"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(16), index=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    tags: Mapped[tuple[str, ...]] = mapped_column(Tags)
    body: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(120))
    created_by: Mapped[str] = mapped_column(String(120))


class ArticleVersionRow(Base):
    """An article as it was in one version; only ever added."""

    __tablename__ = "knowledge_versions"
    __audited__ = False

    article_id: Mapped[str] = mapped_column(ForeignKey("knowledge_articles.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    author: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    tags: Mapped[tuple[str, ...]] = mapped_column(Tags)
    body: Mapped[str] = mapped_column(Text)


class TermRow(Base):
    """How much an article is about a term (`callcenter.knowledge.text.weights`)."""

    __tablename__ = "knowledge_terms"
    __table_args__ = (Index("ix_knowledge_terms_article_id", "article_id"),)
    __audited__ = False

    term: Mapped[str] = mapped_column(String(TERM_LENGTH), primary_key=True)
    article_id: Mapped[str] = mapped_column(ForeignKey("knowledge_articles.id"), primary_key=True)
    weight: Mapped[float] = mapped_column(Float)
