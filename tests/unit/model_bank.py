"""A bank as the edge of the world: it books what files tell it, says so or not, and knows what really happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

Mood = Literal["accepts", "rejects part", "rejects the file", "says nothing", "keeps it waiting"]
MOODS: tuple[Mood, ...] = ("accepts", "rejects part", "rejects the file", "says nothing", "keeps it waiting")


class Order(NamedTuple):
    """One line of a file."""

    end_to_end_id: str
    fen: int


class Word(NamedTuple):
    """One thing the bank says of one payment: settled, failed, uncertain (it had the file before) or returned."""

    kind: Literal["settled", "failed", "uncertain", "returned"]
    end_to_end_id: str
    fen: int
    on: date


class ModelBank:
    """It trusts its files: the same id in two of them is booked twice, and ``booked`` shows it.

    ``waiting`` was received and not decided on yet; ``unsaid`` is still to arrive, in any order; ``said`` may arrive again.
    """

    def __init__(self) -> None:
        self.files: dict[str, tuple[Order, ...]] = {}
        self.booked: Counter[str] = Counter()
        self.fen: dict[str, int] = {}
        self.back: set[str] = set()
        self.waiting: dict[str, Order] = {}
        self.unsaid: list[Word] = []
        self.said: list[Word] = []

    def receives(self, message_id: str, orders: Sequence[Order], mood: Mood, on: date) -> None:
        """A file that was received before is answered as a duplicate and not looked at."""
        if message_id in self.files:
            self.unsaid += [Word("uncertain", *order, on) for order in self.files[message_id]]
            return
        self.files[message_id] = tuple(orders)
        for number, order in enumerate(orders):
            if mood == "keeps it waiting":
                self.waiting[order.end_to_end_id] = order
            elif mood == "rejects the file" or (mood == "rejects part" and number == 0):
                self.unsaid.append(Word("failed", *order, on))
            else:
                self.books(order, on, aloud=mood != "says nothing")

    def books(self, order: Order, on: date, *, aloud: bool) -> None:
        self.waiting.pop(order.end_to_end_id, None)
        self.booked[order.end_to_end_id] += 1
        self.fen[order.end_to_end_id] = order.fen
        if aloud:
            self.unsaid.append(Word("settled", *order, on))

    def gives_up(self, order: Order, on: date) -> None:
        """The proof that a payment is dead: it is never booked."""
        self.waiting.pop(order.end_to_end_id, None)
        self.unsaid.append(Word("failed", *order, on))

    def sends_back(self, end_to_end_id: str, on: date) -> None:
        self.back.add(end_to_end_id)
        self.unsaid.append(Word("returned", end_to_end_id, self.fen[end_to_end_id], on))

    def holds(self, end_to_end_id: str) -> int:
        """What the payee has by that attempt, in fen."""
        return 0 if end_to_end_id in self.back else self.booked[end_to_end_id] * self.fen.get(end_to_end_id, 0)

    def statement(self, on: date, hole: bool) -> bytes:
        """A camt.053 of everything booked; with a hole the last entry is missing and the balances stand."""
        entries = [(fen, "DBIT", id_, "") for id_, fen in sorted(self.fen.items())]
        entries += [(self.fen[id_], "CRDT", id_, "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>") for id_ in sorted(self.back)]
        closing = 10**12 - sum(fen if way == "DBIT" else -fen for fen, way, _, _ in entries)
        shown = "".join(_entry(*one, on) for one in (entries[:-1] if hole else entries))
        balances = _balance("OPBD", 10**12, on) + _balance("CLBD", closing, on)
        inside = f"<Stmt><Acct><Id><Othr><Id>A1</Id></Othr></Id></Acct>{balances}{shown}</Stmt>"
        namespace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
        return f'<Document xmlns="{namespace}"><BkToCstmrStmt>{inside}</BkToCstmrStmt></Document>'.encode()


def _amount(fen: int) -> str:
    return f'<Amt Ccy="CNY">{fen // 100}.{fen % 100:02d}</Amt>'


def _balance(code: str, fen: int, on: date) -> str:
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    return f"<Bal>{kind}{_amount(fen)}<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"


def _entry(fen: int, way: str, end_to_end_id: str, came_back: str, on: date) -> str:
    details = f"<TxDtls><Refs><EndToEndId>{end_to_end_id}</EndToEndId></Refs>{_amount(fen)}{came_back}</TxDtls>"
    return (f"<Ntry>{_amount(fen)}<CdtDbtInd>{way}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{on}</Dt></BookgDt>"
            f"<NtryDtls>{details}</NtryDtls></Ntry>")  # fmt: skip
