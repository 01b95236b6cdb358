"""What led to what in a case: command → event → event, as data and as a drawing (SVG)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple
from uuid import UUID
from xml.sax.saxutils import escape

LANES = ("registry", "voucher", "settlement", "audit")
_LANE, _ROW, _BOX, _LEFT, _TOP = 250, 44, (226, 30), 190, 56


class Node(NamedTuple):
    """An event of the case; or the command, or the event outside the case, that led to some.

    ``on`` is the business day of an event; ``by`` who acted.
    """

    id: UUID
    kind: Literal["event", "command", "outside"]
    source: str
    label: str
    on: str
    by: str
    position: int | None = None


class Edge(NamedTuple):
    cause: UUID
    effect: UUID


class Graph(NamedTuple):
    """Nodes in the order they happened, each cause before its effects."""

    nodes: list[Node]
    edges: list[Edge]


class Happened(NamedTuple):
    """One event of the case, in the order of its history."""

    event_id: UUID
    causation_id: UUID
    source: str
    position: int
    type: str
    on: str
    by: str
    role: str


def graph(history: Sequence[Happened]) -> Graph:
    """A cause that is no event of the case is a command, or, where the platform itself acted, an event outside it."""
    inside = {one.event_id for one in history}
    nodes: dict[UUID, Node] = {}
    edges = []
    for one in history:
        if one.causation_id not in inside and one.causation_id not in nodes:
            outside = one.role == "service"
            kind: Literal["command", "outside"] = "outside" if outside else "command"
            label = "到期或案外事件" if outside else f"{one.role}"
            nodes[one.causation_id] = Node(one.causation_id, kind, one.source, label, one.on, one.by)
        nodes[one.event_id] = Node(one.event_id, "event", one.source, one.type, one.on, one.by, one.position)
        edges.append(Edge(one.causation_id, one.event_id))
    return Graph(list(nodes.values()), edges)


def drawn(case_id: UUID, graph: Graph) -> str:
    """An SVG: time downwards, a lane for each log, causes on the left."""
    rows = {node.id: row for row, node in enumerate(graph.nodes)}
    height = _TOP + _ROW * len(graph.nodes) + 20
    width = _LEFT + _LANE * len(LANES)
    heads = "".join(
        f'<text x="{_LEFT + _LANE * lane + 8}" y="34" font-weight="bold">{name}</text>' for lane, name in enumerate(LANES)
    )
    lines = "".join(_line(graph.nodes[rows[edge.cause]], graph.nodes[rows[edge.effect]], rows) for edge in graph.edges)
    boxes = "".join(_box(node, rows[node.id]) for node in graph.nodes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' font-family="sans-serif" font-size="12"><title>{case_id}</title>'
        '<defs><marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#667"/></marker></defs>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{heads}{lines}{boxes}</svg>'
    )


def _place(node: Node, row: int) -> tuple[int, int]:
    left = 8 if node.kind != "event" else _LEFT + _LANE * LANES.index(node.source)
    return left, _TOP + _ROW * row


def _line(cause: Node, effect: Node, rows: dict[UUID, int]) -> str:
    (x1, y1), (x2, y2) = _place(cause, rows[cause.id]), _place(effect, rows[effect.id])
    start = x1 + (_BOX[0] if cause.kind == "event" else _LEFT - 30)
    if start > x2:
        start = x1 + 12
        y1 += _BOX[1] // 2
    y1, y2 = y1 + _BOX[1] // 2, y2 + _BOX[1] // 2
    return (
        f'<path d="M{start} {y1}C{start + 30} {y1} {x2 - 30} {y2} {x2} {y2}" fill="none" stroke="#667"'
        ' marker-end="url(#to)"/>'
    )


def _box(node: Node, row: int) -> str:
    x, y = _place(node, row)
    fill = {"event": "#e8f0fe", "command": "#fff3d6", "outside": "#eee"}[node.kind]
    width = _BOX[0] if node.kind == "event" else _LEFT - 30
    label = node.label if node.position is None else f"{node.label} · {node.position}"
    told = escape(f"{node.source} {node.position or ''} {node.label} {node.on} {node.by}")
    return (
        f'<g><title>{told}</title><rect x="{x}" y="{y}" width="{width}" height="{_BOX[1]}" rx="5" fill="{fill}"'
        f' stroke="#99a"/><text x="{x + 8}" y="{y + 13}">{escape(label)}</text>'
        f'<text x="{x + 8}" y="{y + 26}" font-size="9" fill="#556">{escape(node.on)} {escape(node.by[:40])}</text></g>'
    )
