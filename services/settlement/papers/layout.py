"""The layout of a paper: a small XML vocabulary, and the PDF that is made of it. The same text gives the same bytes.

::

    paper         title, size (A4 or A4-landscape)
    ├── title, subtitle, heading, p     text; p has align (left, center, right)
    ├── facts > fact                    label; its text stands beside it
    ├── table > head, row > cell        widths (relative), align (one of l, c, r a column)
    ├── signatures > sign               label; room to sign and to seal
    ├── space                           height in points
    └── verification                    the code as text and QR; every paper has it once
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from html import escape
from typing import Any, NamedTuple

import reportlab
from lxml import etree
from reportlab.graphics.barcode.qr import QrCode
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

Element = Any
"""An lxml element."""
FONT = "STSong-Light"
MARGIN = 48.0
_ROWS_TOGETHER = 1_000
"""A table is laid out anew for what is left of it at each page: in one piece 20,000 rows take three times as long."""
MADE_WITH = f"layout 1, reportlab {reportlab.Version}, zlib {zlib.ZLIB_RUNTIME_VERSION}"
"""What besides the text decides the bytes."""

_TEXT = ParagraphStyle("text", fontName=FONT, fontSize=10.5, leading=17, wordWrap="CJK", spaceAfter=4)
_CELL = ParagraphStyle("cell", parent=_TEXT, fontSize=8.5, leading=11.5, spaceAfter=0)
_STYLES = {
    "title": ParagraphStyle("title", parent=_TEXT, fontSize=18, leading=28, alignment=1),
    "subtitle": ParagraphStyle("subtitle", parent=_TEXT, alignment=1, spaceAfter=10),
    "heading": ParagraphStyle("heading", parent=_TEXT, fontSize=12, leading=20, spaceBefore=8),
}
_SIZES = {"A4": A4, "A4-landscape": landscape(A4)}
_ALIGN = {"left": 0, "center": 1, "right": 2}
_CELL_ALIGN = {"l": "LEFT", "c": "CENTER", "r": "RIGHT"}
_CHILDREN: dict[str, tuple[str, ...]] = {
    "paper": ("title", "subtitle", "heading", "p", "facts", "table", "signatures", "space", "verification"),
    "facts": ("fact",), "table": ("head", "row"), "head": ("cell",), "row": ("cell",), "signatures": ("sign",),
}  # fmt: skip
_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "paper": ("title", "size"), "p": ("align",), "fact": ("label",), "table": ("widths", "align"), "sign": ("label",),
    "space": ("height",),
}  # fmt: skip
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)

pdfmetrics.registerFont(UnicodeCIDFont(FONT))


class LayoutWrong(ValueError):
    """The text is no paper. ``line`` is its line, 0 where that is not known."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


class Seal(NamedTuple):
    """What a paper is verified by: its code, and what the QR holds (an address, or the code)."""

    code: str
    qr: str


# -- reading -----------------------------------------------------------------------------------


def read(text: str) -> Element:
    """The paper's element. Raises LayoutWrong with the first thing that does not do."""
    try:
        paper = etree.fromstring(text.encode(), _PARSER)
    except etree.XMLSyntaxError as error:
        raise LayoutWrong(error.lineno or 0, f"not well-formed XML: {error.msg}") from error
    if paper.tag != "paper":
        raise LayoutWrong(paper.sourceline, f"it begins with <{paper.tag}>, not with <paper>")
    _check(paper)
    if len(paper.findall("verification")) != 1:
        raise LayoutWrong(paper.sourceline, "a paper has <verification/> once")
    return paper


def _check(element: Element) -> None:
    allowed, attributes = _CHILDREN.get(element.tag, ()), _ATTRIBUTES.get(element.tag, ())
    for name in element.attrib:
        if name not in attributes:
            raise LayoutWrong(element.sourceline, f"<{element.tag}> has no {name}; it has: {', '.join(attributes) or 'nothing'}")
    _check_values(element)
    if allowed and (element.text or "").strip():
        raise LayoutWrong(element.sourceline, f"<{element.tag}> holds no text of its own")
    for child in element:
        if child.tag not in allowed:
            inside = ", ".join(allowed) or "text alone"
            raise LayoutWrong(child.sourceline, f"<{child.tag}> does not stand in <{element.tag}>; that holds: {inside}")
        if (child.tail or "").strip():
            raise LayoutWrong(child.sourceline, f"text after <{child.tag}> stands in no element")
        _check(child)


def _check_values(element: Element) -> None:
    problem = ""
    if element.get("size", "A4") not in _SIZES:
        problem = f"size is one of {', '.join(_SIZES)}"
    elif element.tag == "p" and element.get("align", "left") not in _ALIGN:
        problem = f"align is one of {', '.join(_ALIGN)}"
    elif element.tag == "space" and not 0 < _number(element.get("height", "")) <= 600:
        problem = "height is a number of points up to 600"
    elif element.tag == "table":
        problem = _table_problem(element)
    if problem:
        raise LayoutWrong(element.sourceline, problem)


def _table_problem(table: Element) -> str:
    widths = [_number(one) for one in table.get("widths", "").split()]
    align = table.get("align", "l" * len(widths)).replace(" ", "")
    if not widths or not all(0 < one <= 1000 for one in widths):
        return "widths are numbers, one a column"
    if len(align) != len(widths) or set(align) - set(_CELL_ALIGN):
        return f"align has one of l, c, r for each of {len(widths)} columns"
    wrong = next((row for row in table if len(row) > len(widths)), None)
    return "" if wrong is None else f"a row of line {wrong.sourceline} has {len(wrong)} cells, the table {len(widths)} columns"


def _number(text: str) -> float:
    """0 where it is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0


# -- drawing -----------------------------------------------------------------------------------


def pdf_of(paper: Element, seal: Seal) -> bytes:
    """The PDF of a paper that was read. Raises LayoutWrong where something does not fit on a page."""
    size = _SIZES[paper.get("size", "A4")]
    width = size[0] - 2 * MARGIN
    story = [flowable for element in paper for flowable in _DRAWN[element.tag](element, width, seal)]
    stream = io.BytesIO()
    document = SimpleDocTemplate(
        stream, pagesize=size, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title=paper.get("title", ""), subject=seal.code, author="", creator="tongdui", invariant=1,
    )  # fmt: skip
    footer = _footer(seal, width)
    try:
        document.build(story, onFirstPage=footer, onLaterPages=footer)
    except (reportlab.platypus.doctemplate.LayoutError, ValueError) as error:
        raise LayoutWrong(0, f"it does not fit on a page: {str(error)[:200]}") from error
    return stream.getvalue()


def _footer(seal: Seal, width: float) -> Callable[[Any, Any], None]:
    def draw(canvas: Any, document: Any) -> None:
        canvas.setFont(FONT, 8)
        canvas.drawString(MARGIN, MARGIN / 2, f"验证码 {seal.code}")
        canvas.drawRightString(MARGIN + width, MARGIN / 2, f"第{document.page}页")

    return draw


def _text_of(element: Element) -> str:
    return " ".join((element.text or "").split())


def _texts(element: Element, width: float, seal: Seal) -> Iterator[Flowable]:
    style = _STYLES.get(element.tag, _TEXT)
    if "align" in element.attrib:
        style = ParagraphStyle(element.get("align"), parent=style, alignment=_ALIGN[element.get("align")])
    elif element.tag == "p":
        style = ParagraphStyle("p", parent=style, firstLineIndent=2 * style.fontSize)
    yield Paragraph(escape(_text_of(element)), style)


def _facts(element: Element, width: float, seal: Seal) -> Iterator[Flowable]:
    rows = [[Paragraph(escape(fact.get("label", "")), _CELL), Paragraph(escape(_text_of(fact)), _CELL)] for fact in element]
    if rows:
        yield Table(rows, colWidths=(width * 0.24, width * 0.76), style=_grid([]), spaceAfter=8)


def _grid(more: list[Any]) -> TableStyle:
    return TableStyle([
        ("GRID", (0, 0), (-1, -1), 0.4, (0.4, 0.4, 0.4)), ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("FONT", (0, 0), (-1, -1), FONT, _CELL.fontSize, _CELL.leading), *more,
    ])  # fmt: skip


def _table(element: Element, width: float, seal: Seal) -> Iterator[Flowable]:
    shares = [float(one) for one in element.get("widths").split()]
    widths = [width * one / sum(shares) for one in shares]
    align = element.get("align", "l" * len(widths)).replace(" ", "")
    heads = sum(row.tag == "head" for row in element)
    rows = [[_cell(_text_of(cell), widths[at], align[at]) for at, cell in enumerate(row)] for row in element]
    padded = [row + [""] * (len(widths) - len(row)) for row in rows]
    aligned = [("ALIGN", (at, 0), (at, -1), _CELL_ALIGN[one]) for at, one in enumerate(align)]
    shaded = [("BACKGROUND", (0, 0), (-1, heads - 1), (0.92, 0.92, 0.92))] if heads else []
    head, body, style = padded[:heads], padded[heads:], _grid([*aligned, *shaded])
    for at in range(0, len(body) or bool(head), _ROWS_TOGETHER):
        part = [*head, *body[at : at + _ROWS_TOGETHER]]
        yield LongTable(part, colWidths=widths, repeatRows=heads, style=style)
    yield Spacer(1, 8)


def _cell(text: str, width: float, align: str) -> Any:
    """What fits on one line is drawn as it is: a paragraph a cell makes a list of 20,000 lines slow."""
    if pdfmetrics.stringWidth(text, FONT, _CELL.fontSize) <= width - 12:
        return text
    return Paragraph(escape(text), ParagraphStyle(align, parent=_CELL, alignment="lcr".index(align)))


def _signatures(element: Element, width: float, seal: Seal) -> Iterator[Flowable]:
    if not len(element):
        return
    cells = [f"{sign.get('label', '')}:{_text_of(sign)}" for sign in element]
    each = width / len(cells)
    yield Spacer(1, 24)
    yield Table([[_cell(cell, each, "l") for cell in cells]], colWidths=[each] * len(cells), style=TableStyle([
        ("FONT", (0, 0), (-1, -1), FONT, _CELL.fontSize, _CELL.leading), ("BOTTOMPADDING", (0, 0), (-1, -1), 24),
    ]))  # fmt: skip


def _space(element: Element, width: float, seal: Seal) -> Iterator[Flowable]:
    yield Spacer(1, float(element.get("height")))


def _verification(element: Element, width: float, seal: Seal) -> Iterator[Flowable]:
    said = [Paragraph(f"验证码:{escape(seal.code)}", _CELL), Paragraph(f"核验:{escape(seal.qr)}", _CELL)]
    told = _text_of(element)
    if told:
        said.append(Paragraph(escape(told), _CELL))
    qr = QrCode(seal.qr, width=72, height=72, qrLevel="M", qrBorder=2)
    yield Table([[qr, said]], colWidths=(84, width - 84), style=TableStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE")]))


_DRAWN: dict[str, Callable[[Element, float, Seal], Iterator[Flowable]]] = {
    "title": _texts, "subtitle": _texts, "heading": _texts, "p": _texts, "facts": _facts, "table": _table,
    "signatures": _signatures, "space": _space, "verification": _verification,
}  # fmt: skip
