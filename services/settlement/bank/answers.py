"""What a bank says, read as a stream: pain.002 (status), camt.054 (booked), camt.053 (statement), pacs.004 (came back). ISO 20022

Elements are known by their local names, so the versions banks use (pain.002.001.03 to .12, camt.05x.001.02 to .10,
pacs.004.001.02 to .11) read alike. No entity is resolved, no DTD or network is read, and an element is let go when it was
read: what is kept is the bytes and one ``Said`` a payment, never the tree.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

from lxml import etree

Kind = Literal["accepted", "settled", "failed", "uncertain", "returned"]

RECEIVED_BEFORE = frozenset({"DUPL", "AM05"})
"""Reasons that prove the file was received before: what became of it is not known from here."""
_REFUSED = frozenset({"RJCT"})
_CAME_BACK = frozenset({"RRTN", "RPCR"})


class Unreadable(ValueError):
    """The bytes are no answer that can be acted on; the text says why, for a person."""


class Said(NamedTuple):
    """One thing about one payment. ``end_to_end_id`` None: about every payment of the file ``message_id``.

    ``fen`` and ``on`` are stated where money moved; ``reason`` is the bank's code (ISO 20022 external code sets).
    """

    kind: Kind
    end_to_end_id: str | None
    message_id: str | None = None
    fen: int | None = None
    on: date | None = None
    reason: str | None = None
    reference: str | None = None


class Statement(NamedTuple):
    """A day of an account: ``account`` as the bank names it, balances in fen; its entries are the answer's ``said``, and
    ``moved_fen`` what they come to."""

    account: str
    day: date
    opening_fen: int
    closing_fen: int
    moved_fen: int

    def ensure_adds_up(self) -> None:
        """Raises Unreadable where opening and entries do not make the closing balance: it is refused whole."""
        made = self.opening_fen + self.moved_fen
        if made != self.closing_fen:
            raise Unreadable(f"opening and entries make {made} fen, the closing balance is {self.closing_fen}: "
                             f"{self.closing_fen - made} fen are missing")  # fmt: skip


class Answer(NamedTuple):
    """One file. ``message`` is its type, as ``pain.002``; ``statement`` is there for a camt.053."""

    message: str
    said: tuple[Said, ...]
    statement: Statement | None = None


def read(content: bytes) -> Answer:
    """Raises Unreadable."""
    message = message_of(content)
    match message:
        case "pain.002":
            return Answer(message, tuple(_statuses(content)))
        case "pacs.004":
            return Answer(message, tuple(_returns(content)))
        case "camt.054":
            return Answer(message, tuple(entry for entry, _ in _entries(content)))
        case "camt.053":
            return _statement(content)
    raise Unreadable(f"a {message} is no answer about payments")


def message_of(content: bytes) -> str:
    """``camt.053`` of ``urn:iso:std:iso:20022:tech:xsd:camt.053.001.08``. Raises Unreadable."""
    for element in _walk(content, start=True):
        if element.getroottree().docinfo.doctype:
            raise Unreadable("a document type is not read: no bank sends one")
        found = re.search(r":([a-z]{4}\.[0-9]{3})\.[0-9]{3}\.[0-9]{2}$", etree.QName(element).namespace or "")
        if found is None or etree.QName(element).localname != "Document":
            raise Unreadable("the document is in no namespace of ISO 20022")
        return found[1]
    raise Unreadable("there is no document")


# -- pain.002 --------------------------------------------------------------------------------------------


def _statuses(content: bytes) -> Iterator[Said]:
    """A payment's own status where there is one, else that of its payment information, else of the file."""
    message_id: str | None = None
    lines: list[Said] = []
    whole: list[Said] = []
    for element in _walk(content):
        name = etree.QName(element).localname
        if name == "OrgnlGrpInfAndSts":
            message_id = _text(element, "OrgnlMsgId")
            whole += _status(element, "GrpSts", None, message_id)
        elif name == "TxInfAndSts":
            lines += _status(element, "TxSts", _required(element, "OrgnlEndToEndId"), message_id)
        elif name == "OrgnlPmtInfAndSts":
            whole += _status(element, "PmtInfSts", None, _text(element, "OrgnlPmtInfId") or message_id)
        else:
            continue
        _let_go(element)
    if message_id is None:
        raise Unreadable("a pain.002 names the file it is about (OrgnlMsgId)")
    yield from lines or whole[-1:]


def _status(element: Any, tag: str, end_to_end_id: str | None, message_id: str | None) -> list[Said]:
    stated = _text(element, tag)
    if stated is None:
        return []
    reason = _reason(element)
    if stated not in _REFUSED:
        return [Said("accepted", end_to_end_id, message_id, reason=reason)]
    kind: Kind = "uncertain" if reason in RECEIVED_BEFORE else "failed"
    return [Said(kind, end_to_end_id, message_id, reason=reason or "NARR")]


def _reason(element: Any) -> str | None:
    """The code of the element's own reason, not of one inside."""
    for child in element.iterchildren("{*}StsRsnInf"):
        return _text(child, "Cd") or _text(child, "Prtry")
    return None


# -- pacs.004 --------------------------------------------------------------------------------------------


def _returns(content: bytes) -> Iterator[Said]:
    for element in _walk(content):
        if etree.QName(element).localname != "TxInf":
            continue
        amount = _find(element, "RtrdIntrBkSttlmAmt")
        yield Said(
            "returned", _required(element, "OrgnlEndToEndId"), _text(element, "OrgnlMsgId"), _fen(amount),
            _day(_required(element, "IntrBkSttlmDt", last=True)), _reason_of_return(element), _text(element, "RtrId"),
        )  # fmt: skip
        _let_go(element)


def _reason_of_return(element: Any) -> str:
    found = _find(element, "RtrRsnInf")
    if found is None:
        found = _find(element, "RtrInf")
    return (_text(found, "Rsn/Cd") or _text(found, "Rsn/Prtry") if found is not None else None) or "NARR"


# -- camt.054, camt.053 ----------------------------------------------------------------------------------


def _entries(content: bytes) -> Iterator[tuple[Said, int]]:
    """Every booked entry, and by how many fen it moved the account. One entry may have several payments in its details."""
    for element in _walk(content):
        if not element.tag.endswith("}Ntry"):
            continue
        if _text(element, "Sts/Cd") in (None, "BOOK") and _text(element, "Sts") != "PDNG":
            yield from _details(element)
        _let_go(element)


def _details(entry: Any) -> Iterator[tuple[Said, int]]:
    """Written out by children, not by paths: a statement has an entry for every payment of a day."""
    own = _children(entry)
    booked = own.get("BookgDt")
    on = _day(_required(entry, "BookgDt") if booked is None else "".join(booked.itertext()).strip())
    reference = (own["AcctSvcrRef"].text or None) if "AcctSvcrRef" in own else None
    details = list(entry.iter("{*}TxDtls"))
    total = _fen(own.get("Amt"))
    stated = [_fen(amount) if (amount := _amount_of(one)) is not None else total for one in details]
    if len(details) > 1 and sum(stated) != total:
        raise Unreadable(f"the entry {reference} of {total} fen has details of {sum(stated)}")
    is_debit = _required(entry, "CdtDbtInd") == "DBIT"
    for one, fen in zip(details or [entry], stated or [total], strict=True):
        came_back = not is_debit and (_find(one, "RtrInf") is not None or _text(entry, "SubFmlyCd") in _CAME_BACK)
        kind: Kind = "returned" if came_back else "settled" if is_debit else "accepted"
        reason = _reason_of_return(one) if came_back else None
        refs = _children(_children(one).get("Refs", ()))
        name, message_id = ((refs[tag].text or "").strip() or None if tag in refs else None for tag in ("EndToEndId", "MsgId"))
        yield Said(kind, name, message_id, fen, on, reason, reference), -fen if is_debit else fen


def _amount_of(details: Any) -> Any:
    """A payment's own amount, in older versions under AmtDtls."""
    own = _children(details).get("Amt")
    return own if own is not None else _find(details, "Amt")


def _children(element: Any) -> dict[str, Any]:
    """By local name, the first of each."""
    found: dict[str, Any] = {}
    for child in element:
        if isinstance(child.tag, str):
            found.setdefault(child.tag.rpartition("}")[2], child)
    return found


def _statement(content: bytes) -> Answer:
    said: list[Said] = []
    moved = 0
    balances: dict[str, tuple[int, date]] = {}
    account = ""
    statements = 0
    for element in _walk(content):
        name = element.tag.rpartition("}")[2]
        if name == "Acct" and etree.QName(element.getparent()).localname == "Stmt":
            account = _text(element, "Id/Othr/Id") or _text(element, "Id/IBAN") or ""
        elif name == "Bal":
            fen, sign = _fen(_find(element, "Amt")), _required(element, "CdtDbtInd")
            balances[_required(element, "Cd")] = (fen if sign == "CRDT" else -fen, _day(_required(element, "Dt/Dt")))
        elif name == "Ntry":
            if _text(element, "Sts/Cd") in (None, "BOOK"):
                for one, by in _details(element):
                    said.append(one)
                    moved += by
            _let_go(element)
        elif name == "Stmt":
            statements += 1
    if statements != 1:
        raise Unreadable(f"{statements} statements in one file: one day of one account is read at a time")
    opening = balances.get("OPBD") or balances.get("PRCD")
    closing = balances.get("CLBD")
    if opening is None or closing is None or not account:
        raise Unreadable("a statement names its account, its opening (OPBD or PRCD) and its closing balance (CLBD)")
    made = Statement(account, closing[1], opening[0], closing[0], moved)
    return Answer("camt.053", tuple(said), made)


# -- pain.001, what was sent -----------------------------------------------------------------------------


class Sent(NamedTuple):
    """A file of ours: its message id, and the fen of every payment by its end-to-end id."""

    message_id: str
    fen: Mapping[str, int]


def read_sent(content: bytes) -> Sent:
    """Raises Unreadable."""
    message_id = None
    fen: dict[str, int] = {}
    for element in _walk(content):
        name = etree.QName(element).localname
        if name == "GrpHdr":
            message_id = _required(element, "MsgId")
        elif name == "CdtTrfTxInf":
            fen[_required(element, "EndToEndId")] = _fen(_find(element, "InstdAmt"))
            _let_go(element)
    if message_id is None:
        raise Unreadable("the file has no message id")
    return Sent(message_id, fen)


# -- elements --------------------------------------------------------------------------------------------


def _walk(content: bytes, *, start: bool = False) -> Iterator[Any]:
    events = ("start",) if start else ("end",)
    try:
        parser = etree.iterparse(
            io.BytesIO(content), events=events, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        )
        for _, element in parser:
            if isinstance(element.tag, str):
                yield element
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"not well-formed XML: {error}") from error


def _let_go(element: Any) -> None:
    """Nothing of it is needed any more, nor of what stood before it."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def _find(element: Any, path: str, *, last: bool = False) -> Any:
    """The first (or last) descendant at the end of a path of local names; the path begins anywhere inside."""
    *parents, name = path.split("/")
    found = None
    for one in element.iter(f"{{*}}{name}"):
        if one is not element and _has(one, parents):
            found = one
            if not last:
                break
    return found


def _has(one: Any, parents: list[str]) -> bool:
    for parent in reversed(parents):
        one = one.getparent()
        if one is None or etree.QName(one).localname != parent:
            return False
    return True


def _text(element: Any, path: str, *, last: bool = False) -> str | None:
    found = _find(element, path, last=last)
    text = (found.text or "").strip() if found is not None else ""
    return text or None


def _required(element: Any, path: str, *, last: bool = False) -> str:
    text = _text(element, path, last=last)
    if text is None:
        raise Unreadable(f"{etree.QName(element).localname} has no {path}")
    return text


def _fen(element: Any) -> int:
    """Of an amount in CNY."""
    if element is None:
        raise Unreadable("an amount is missing")
    if element.get("Ccy") not in (None, "CNY"):
        raise Unreadable(f"an amount is in {element.get('Ccy')}, not in CNY")
    try:
        fen = Decimal((element.text or "").strip()) * 100
    except InvalidOperation as error:
        raise Unreadable(f"{element.text!r} is no amount") from error
    if fen != fen.to_integral_value() or fen < 0:
        raise Unreadable(f"{element.text!r} is no whole number of fen")
    return int(fen)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError as error:
        raise Unreadable(f"{text!r} is no day") from error
