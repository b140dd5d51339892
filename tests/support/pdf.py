"""What a reader of a PDF sees and can copy, by the library that Chrome shows PDFs with."""

from pypdfium2 import PdfDocument


def text_of(pdf: bytes) -> list[str]:
    """The text of each page, with line ends taken out: a long word may be broken over two lines."""
    document = PdfDocument(pdf)
    try:
        return ["".join(page.get_textpage().get_text_range().splitlines()) for page in document]
    finally:
        document.close()
