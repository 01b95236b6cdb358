"""Between the platform and a bank: released files go out as they are, answers come in as commands. 三(五)

It is a client of its own, with an agent's token, and keeps nothing but its spool: it may be killed at any line and started
again. A file is sent again as the same bytes under the same message id when it is not known that it arrived; what the bank
says then (DUPL) proves that it had it. An answer becomes a command under an id that follows from the file's digest, so it
counts once; one that cannot follow yet (a return before its payment, a day that has not come) waits in ``incoming``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from services.settlement.bank.answers import Answer, Said, Sent, Statement, Unreadable, read, read_sent
from services.settlement.bank.lines import Line
from services.settlement.bank.platform_client import Settlement
from services.settlement.bank.spool import Spool, append_line, write_whole
from shared.runtime.failpoints import failpoint

NAMESPACE = UUID("4f6d6a52-2f0b-5c64-9b0c-5d3b6f1c7e21")
_LAST_STATEMENT = "last-statement.json"
_LATER = frozenset({"answered_tomorrow", "not_paid_yet"})
"""Refusals of what cannot follow yet."""


@dataclass
class Pass:
    """What one pass did, by name of file."""

    fetched: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    arrived: list[str] = field(default_factory=list)
    recorded: int = 0
    waiting: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)

    @property
    def did_something(self) -> bool:
        return bool(self.fetched or self.sent or self.arrived or self.recorded or self.aside)


@dataclass
class _Verdict:
    """Of one file: entries recorded, whether some cannot follow yet, and what is for a person."""

    recorded: int = 0
    waits: bool = False
    breaks: list[str] = field(default_factory=list)


class Connector:
    """``account`` is the agent's as its statements name it."""

    def __init__(self, platform: Settlement, line: Line, spool: Spool, agent_id: UUID, account: str) -> None:
        self._platform = platform
        self._line = line
        self._spool = spool
        self._agent_id = agent_id
        self._account = account

    def run_once(self) -> Pass:
        """Fetch, send, collect, record. Raises NotAnswered, NotAllowed, NotReached; what was done until then is done."""
        done = Pass()
        self._fetch(done)
        self._send(done)
        self._collect(done)
        self._record(done)
        return done

    # -- out -----------------------------------------------------------------------------------

    def _fetch(self, done: Pass) -> None:
        for batch in self._platform.released(self._agent_id):
            name = f"{batch['message_id']}.xml"
            if self._spool.has("sent", name) or self._spool.has("outgoing", name):
                continue
            content = self._platform.file(batch["batch_id"])
            if content is None:
                continue
            if hashlib.sha256(content).hexdigest() != batch["file_sha256"]:
                raise ValueError(f"the file of batch {batch['batch_id']} is not the one that was released")
            self._spool.put("outgoing", name, content)
            failpoint("connector.after_fetch")
            done.fetched.append(name)

    def _send(self, done: Pass) -> None:
        for name, content in self._spool.files("outgoing"):
            self._line.send(name, content)
            failpoint("connector.after_send")
            self._spool.move(name, "outgoing", "sent")
            done.sent.append(name)

    # -- in ------------------------------------------------------------------------------------

    def _collect(self, done: Pass) -> None:
        for message in self._line.arrived():
            name = _kept_as(message.name, message.content)
            self._spool.put("incoming", name, message.content)
            failpoint("connector.after_collect")
            message.taken()
            done.arrived.append(name)

    def _record(self, done: Pass) -> None:
        """Statements last and by their days: while one waits, those after it do."""
        statements = []
        for name, content in self._spool.files("incoming"):
            if self._spool.is_finished(content):
                self._spool.drop(name)
                continue
            try:
                answer = read(content)
            except Unreadable as unreadable:
                self._set_aside(name, str(unreadable), done)
                continue
            if answer.statement is not None:
                statements.append((answer.statement.day, name, content, answer))
            else:
                self._act(name, content, answer, done)
        for _, name, content, answer in sorted(statements, key=lambda one: one[:2]):
            if not self._act(name, content, answer, done):
                return

    def _act(self, name: str, content: bytes, answer: Answer, done: Pass) -> bool:
        """False when something of it cannot follow yet."""
        try:
            self._ensure_accepted(answer.statement, content)
        except Unreadable as unreadable:
            self._set_aside(name, str(unreadable), done)
            return True
        verdict = self._verdict(answer, content)
        done.recorded += verdict.recorded
        self._close(name, content, answer, verdict, done)
        return not verdict.waits

    def _set_aside(self, name: str, why: str, done: Pass) -> None:
        self._spool.set_aside(name, why)
        done.aside.append(name)

    def _close(self, name: str, content: bytes, answer: Answer, verdict: _Verdict, done: Pass) -> None:
        failpoint("connector.after_answer")
        if answer.message == "pain.002":
            self._answer_batch(answer, hashlib.sha256(content).hexdigest())
        if verdict.recorded:
            self._reconcile()
        if verdict.waits:
            done.waiting.append(name)
            return
        if answer.statement is not None:
            self._keep(answer.statement)
        if verdict.breaks:
            self._set_aside(name, "\n".join(verdict.breaks), done)
        else:
            self._spool.finish(name, content)

    def _verdict(self, answer: Answer, content: bytes) -> _Verdict:
        verdict = _Verdict()
        digest = hashlib.sha256(content).hexdigest()
        for said in answer.said:
            for one in self._each(said, verdict):
                self._one(one, digest, verdict)
        return verdict

    def _each(self, said: Said, verdict: _Verdict) -> list[Said]:
        """What is said of a whole file is said of each of its payments, as they were sent."""
        if said.kind == "accepted":
            return []
        if said.end_to_end_id is not None:
            return [said]
        name = f"{said.message_id}.xml"
        if not said.message_id or not self._spool.has("sent", name):
            verdict.breaks.append(f"unknown: nothing was sent under {said.message_id!r}")
            return []
        return [said._replace(end_to_end_id=end_to_end_id) for end_to_end_id in self._sent(said.message_id).fen]

    def _one(self, said: Said, digest: str, verdict: _Verdict) -> None:
        try:
            payout_id = UUID(str(said.end_to_end_id)[:32])
        except ValueError:
            verdict.breaks.append(f"unknown: {said.end_to_end_id} {_money(said)}is no payment of ours")
            return
        key = uuid5(NAMESPACE, f"{digest}/{said.end_to_end_id}/{said.kind}")
        problem = self._platform.record(payout_id, said.kind, _body(said), key)
        if problem is None:
            verdict.recorded += 1
        elif problem["code"] in _LATER:
            verdict.waits = True
        elif problem["code"] == "out_of_order":
            verdict.breaks.append(f"contradiction: the bank says {said.kind} of {said.end_to_end_id}: {problem['detail']}")
        elif problem["code"] != "already_recorded":
            verdict.breaks.append(f"{problem['code']}: {said.kind} {said.end_to_end_id} {_money(said)}{problem['detail']}")

    # -- batches -------------------------------------------------------------------------------

    def _answer_batch(self, answer: Answer, digest: str) -> None:
        """What the bank said of a file as a whole, where it is one of ours."""
        message_id = next((said.message_id for said in answer.said if said.message_id), None)
        if message_id is None or not self._spool.has("sent", f"{message_id}.xml"):
            return
        count = len(self._sent(message_id).fen)
        body = {"file_sha256": digest, **_status(answer.said, count)}
        key = uuid5(NAMESPACE, f"{digest}/{message_id}/answer")
        problem = self._platform.post(f"batches/{UUID(message_id)}/answers", body, key)
        if problem is not None:
            raise ValueError(f"the answer to {message_id} is not taken: {problem['detail']}")

    def _reconcile(self) -> None:
        """Batches of which every payment has its last word are said to be done; the others are asked about again."""
        kept = self._spool.root / "reconciled"
        done = set(kept.read_text().split()) if kept.exists() else set()
        for name in sorted(self._spool.names("sent") - {f"{message_id}.xml" for message_id in done}):
            sent = self._sent(name.removesuffix(".xml"))
            body = {"end_to_end_ids": sorted(sent.fen)}
            key = uuid5(NAMESPACE, f"{sent.message_id}/reconciled")
            problem = self._platform.post(f"batches/{UUID(sent.message_id)}/reconcile", body, key)
            if problem is None or problem["code"] == "out_of_order":
                append_line(kept, sent.message_id)
            elif problem["code"] != "still_under_way":
                raise ValueError(f"{sent.message_id} cannot be reconciled: {problem['detail']}")

    def _sent(self, message_id: str) -> Sent:
        return read_sent((self._spool.root / "sent" / f"{message_id}.xml").read_bytes())

    # -- statements ----------------------------------------------------------------------------

    def _ensure_accepted(self, statement: Statement | None, content: bytes) -> None:
        """Raises Unreadable for a statement that is refused whole and that nobody has overridden."""
        if statement is None:
            return
        try:
            statement.ensure_adds_up()
            self._ensure_continued(statement)
        except Unreadable:
            if not self._platform.is_overridden(hashlib.sha256(content).hexdigest()):
                raise

    def _ensure_continued(self, statement: Statement) -> None:
        """A statement is of our account and follows the one before. Raises Unreadable: it is refused whole."""
        if statement.account != self._account:
            raise Unreadable(f"the statement is of account {statement.account}, not {self._account}")
        last = self._last_statement()
        if last is None or (last["day"] == statement.day.isoformat() and last["closing_fen"] == statement.closing_fen):
            return
        if statement.day.isoformat() <= last["day"]:
            raise Unreadable(f"the statement is of {statement.day}; the one of {last['day']} was read before")
        if statement.opening_fen != last["closing_fen"]:
            raise Unreadable(
                f"the statement of {statement.day} opens with {statement.opening_fen} fen, that of {last['day']} closed with"
                f" {last['closing_fen']}: a day is missing or was changed"
            )

    def _last_statement(self) -> dict[str, Any] | None:
        path = self._spool.root / _LAST_STATEMENT
        return json.loads(path.read_text()) if path.exists() else None

    def _keep(self, statement: Statement) -> None:
        told = {"day": statement.day.isoformat(), "closing_fen": statement.closing_fen}
        write_whole(self._spool.root / _LAST_STATEMENT, json.dumps(told).encode())


def _kept_as(name: str, content: bytes) -> str:
    """With the digest: a bank may use a name again while its first file still waits."""
    return f"{name.removesuffix('.xml')}.{hashlib.sha256(content).hexdigest()[:12]}.xml"


def _status(said: Sequence[Said], count: int) -> dict[str, Any]:
    """The members of ``RecordBatchAnswer``: a payment the bank does not name goes with the file."""
    if any(one.kind == "uncertain" for one in said):
        return {"status": "duplicate", "accepted": 0, "rejected": 0}
    refused = [one for one in said if one.kind == "failed"]
    rejected = count if any(one.end_to_end_id is None for one in refused) else len({one.end_to_end_id for one in refused})
    status = "accepted" if not rejected else "rejected" if rejected == count else "partly_rejected"
    return {"status": status, "accepted": count - rejected, "rejected": rejected}


def _body(said: Said) -> dict[str, Any]:
    body: dict[str, Any] = {"end_to_end_id": said.end_to_end_id}
    if said.kind == "settled":
        paid = {"amount_fen": said.fen, "settled_on": str(said.on)}
        return body | paid | ({"reference": said.reference} if said.reference else {})
    if said.kind == "returned":
        return body | {"amount_fen": said.fen, "returned_on": str(said.on), "reason_code": said.reason}
    return body | ({"reason_code": said.reason} if said.kind == "failed" else {})


def _money(said: Said) -> str:
    return f"of {said.fen} fen " if said.fen is not None else ""
