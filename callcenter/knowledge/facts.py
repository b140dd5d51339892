"""What happens to the knowledge base, for the live socket (B4)."""

from callcenter.facts import Body, kind


@kind("knowledge.changed")
class KnowledgeChanged(Body, frozen=True):
    """An article has a new version; ``state``: draft, published or archived."""

    article_id: str
    version: int
    state: str
