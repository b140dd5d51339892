"""A document before it is drawn: sections of plain text, and the digest of all of it."""

import hashlib
from datetime import datetime

import msgspec

from callcenter.errors import CallCenterError


class Section(msgspec.Struct, frozen=True):
    """A part of a document.

    With ``headings`` a table: ``rows`` have as many cells as there are ``widths`` (shares of the page's width).
    Without, a grid of labels and values in turn. ``text``: prose below, of any length; a cell holds a few lines and
    is cut, which it shows. ``note``: said below in small, or instead of rows when there are none.
    """

    title: str
    rows: tuple[tuple[str, ...], ...] = ()
    headings: tuple[str, ...] = ()
    widths: tuple[float, ...] = ()
    text: str = ""
    note: str = ""


class Document(msgspec.Struct, frozen=True):
    """What is drawn. ``signatures``: who signs below the sections; ``appendix`` follows on a new page.

    ``stamp``: written large across every page, e.g. 演练.
    """

    title: str
    number: str
    organisation: str
    made_at: datetime
    made_by: str
    sections: tuple[Section, ...]
    appendix: tuple[Section, ...] = ()
    stamp: str = ""
    signatures: tuple[str, ...] = ()

    def encoded(self) -> bytes:
        """The document as JSON: what the digest is of, and what the drawing process reads."""
        return msgspec.json.encode(self)


def digest(content: bytes) -> str:
    """SHA-256 over an encoded document: it is printed on every page and kept in the audit trail."""
    return hashlib.sha256(content).hexdigest()


class ReportFailed(CallCenterError):
    """The document could not be drawn."""

    code = "report_failed"
    status = 503
