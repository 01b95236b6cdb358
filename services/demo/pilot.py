"""The pilot, day by day: every case takes its next step on its day, and the client waits as it should."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from services.demo.bank import Bank
from services.demo.casebook import LATE_START, Case, casebook
from services.demo.cast import CATEGORY_NAMES, FIRST_DAY, REGIONS, YEAR, YUAN, Company, digest, laboratory_of
from services.demo.client import Client, Refused
from services.demo.evidence import documents, request_body
from services.demo.opening import (
    OPERATOR,
    list_laboratories,
    open_accounts,
    register_companies,
    set_up_regions,
    together,
)
from services.demo.payments import Payments
from services.demo.report import Logs
from services.demo.stage import SERVICES, OwnStage
from services.demo.supervision import AUDITOR, Supervision
from services.demo.treasury import Treasury

LAST_OPENING = 8
WINDING_UP = 30
MISTAKE_FOUND = 25
"""Days after its application that a payment of the pilot is found to have been too high."""
INSPECTED = LATE_START + max(region.redeem_by_days for region in REGIONS) + WINDING_UP // 2
"""When every case is over."""


class UnexpectedAnswer(RuntimeError):
    """The platform did something the play does not have."""


class Pilot:
    """Regions, companies and laboratories from the first day to the last payment."""

    def __init__(self, stage: OwnStage, bank: Bank, vouchers: int, seed: int, client: Client | None = None) -> None:
        self.stage = stage
        self.client = client or Client(stage, seed)
        self.bank = bank
        self.cases = casebook(vouchers, seed)
        self.payments = Payments(self.client, bank, Treasury(self.client, stage.papers), self.cases)
        self.day = -1
        self.objections: list[tuple[Case, str, str]] = []
        self.supervision = Supervision(self.client, self.cases, lambda: self.date)

    async def play(self) -> None:
        """Until the last case is over."""
        longest = max(region.redeem_by_days for region in REGIONS)
        last = LATE_START + longest + WINDING_UP
        with _bar() as bar:
            task = bar.add_task("试点运行", total=last)
            for day in range(last):
                await self._open_day()
                if day == 0:
                    await self._opening()
                await self._one_day(day)
                await self.supervision.one_day(day - INSPECTED)
                bar.update(task, advance=1, description=f"{self.date}")

    @property
    def today(self) -> date:
        return FIRST_DAY + timedelta(days=self.day)

    @property
    def date(self) -> str:
        return str(self.today)

    async def logs(self) -> Logs:
        """Every log, whole, as archived."""
        await self.client.quiet()
        lines = {}
        for source in SERVICES:
            answer = await self.client.get(AUDITOR, f"/audit/v1/logs/{source}", purpose="demo")
            lines[source] = answer.text.splitlines()
        return Logs(lines)

    # -- days ----------------------------------------------------------------------------------

    async def _open_day(self) -> None:
        self.day += 1
        await self.client.post(OPERATOR, "/registry/v1/days", {"date": self.date})
        await self.client.quiet()
        if self.day:
            await self.bank.next_day()
            await self.client.quiet()

    async def _opening(self) -> None:
        await set_up_regions(self.client, self.cases)
        await list_laboratories(self.client)
        await register_companies(self.client, self.cases)
        await self.client.quiet()
        await open_accounts(self.client, self.cases)

    async def _one_day(self, day: int) -> None:
        if day < LAST_OPENING:
            return
        await self._all(day, 0, self._apply)
        await self._in_turn(day, 1, self._allocate)
        await self._all(day, 2, self._hand_over)
        await self._all(day, 3, self._request, late=True)
        await self._all(day, 4, self._review, late=True)
        await self._all(day, 5, self._approve, late=True)
        await self._publish(day)
        await self._object()
        await self.payments.one_day(self.today)
        await self._take_back(day)

    def _due(self, day: int, step: int, late: bool = False) -> list[Case]:
        return [case for case in self.cases if case.open and _start(case, late) + step == day]

    async def _all(self, day: int, step: int, act: Callable[[Case], Awaitable[None]], late: bool = False) -> None:
        """Steps that do not compete, together."""
        due = self._due(day, step, late)
        if due:
            await together([act(case) for case in due])
            await self.client.quiet()

    async def _in_turn(self, day: int, step: int, act: Callable[[Case], Awaitable[None]]) -> None:
        """Steps that compete for a ceiling, one after another."""
        due = self._due(day, step)
        for case in due:
            await act(case)
        if due:
            await self.client.quiet()

    # -- steps ---------------------------------------------------------------------------------

    def _path(self, case: Case, step: str = "") -> str:
        return f"/voucher/v1/vouchers/{case.voucher_id}{step}"

    async def _apply(self, case: Case) -> None:
        case.voucher_id = self.client.id("voucher", case.number)
        provider = laboratory_of(case.provider.province, 3) if case.kind == "unlisted_provider" else case.provider
        application = {
            "voucher_id": str(case.voucher_id), "provider_uscc": provider.uscc, "mode": case.mode,
            "purpose": f"{CATEGORY_NAMES[case.category]}服务",
        }
        events = await self.client.post(case.enterprise.enterprise, "/voucher/v1/vouchers", application)
        issued = events[-1]["type"] == "VoucherIssued"
        _expect(issued is (case.kind != "unlisted_provider"), case, events[-1])
        case.open = issued
        if issued:
            await self._contract(case)
        else:
            await self._appeal(case)

    async def _appeal(self, case: Case) -> None:
        """Against the refusal; another person looks at it, and it stands."""
        appeal_id = str(self.client.id("appeal", case.number))
        lodged = {"appeal_id": appeal_id, "grounds_sha256": digest("申诉")}
        await self.client.post(case.enterprise.enterprise, self._path(case, "/appeals"), lodged)
        decided = {"outcome": "dismissed", "grounds_sha256": digest("申诉决定")}
        await self.client.post(case.region.officer("appeals"), self._path(case, f"/appeals/{appeal_id}/decide"), decided)

    async def _contract(self, case: Case) -> None:
        contract = {
            "contract_no": case.contract_no, "signed_on": self.date, "document_sha256": digest(f"合同 {case.number}"),
            "lines": _lines(case),
        }
        submit = self.client.post(case.provider.provider, self._path(case, "/contract"), contract)
        if case.kind == "claimed_twice":
            await self._refused(submit, case, "contract_line_already_claimed")
            await self.client.post(case.enterprise.enterprise, self._path(case, "/withdraw"), {})
            case.open = False
            return
        await submit
        await self.client.post(case.enterprise.enterprise, self._path(case, "/contract/acknowledge"), {})

    async def _allocate(self, case: Case) -> None:
        if case.kind == "supported_locally":
            await self._report_local_support(case)
            return
        events = await self.client.post(case.region.centre("allocation"), self._path(case, "/allocation"), {})
        answer = next(event for event in events if event["type"].startswith("Allocation"))
        refused = {"not_on_list", "over_year", "empty_budget"}
        _expect((answer["type"] == "AllocationRefused") is (case.kind in refused), case, answer)
        if answer["type"] == "AllocationRefused":
            case.open = False
            return
        _expect(("enterprise_year" in answer["reduced_because"]) is (case.kind == "cut"), case, answer)
        case.allocation_fen = answer["amount_fen"]
        if case.kind == "corrected":
            await self._correct(case)
        if case.successor is not None:
            await self._merge(case, case.successor)

    async def _merge(self, case: Case, successor: Company) -> None:
        """The company is merged into another by decision, and its voucher passes on."""
        decision = {"successor_uscc": successor.uscc, "decision_no": f"并〔{YEAR}〕{case.number}号", "from_on": self.date}
        path = f"/registry/v1/enterprises/{case.enterprise.uscc}/succession"
        await self.client.post(case.region.officer("registry"), path, decision)
        await self.client.quiet()
        case.enterprise = successor

    async def _report_local_support(self, case: Case) -> None:
        """The region's own list names the contract: the voucher ends before anything is held."""
        support = {
            "enterprise_uscc": case.enterprise.uscc, "provider_uscc": case.provider.uscc, "contract_no": case.contract_no,
            "amount_fen": case.planned_fen(), "year": YEAR, "local_reference": f"本地〔{YEAR}〕{case.number}",
            "supported_on": self.date,
        }
        events = await self.client.post(case.region.officer("local"), "/voucher/v1/local-support", support)
        _expect(events[-1]["type"] == "ClaimReleased", case, events[-1])
        case.open = False

    async def _correct(self, case: Case) -> None:
        """The second line should not have been counted."""
        correction = {"without_lines": [2], "reason": "not_commissioned"}
        path = self._path(case, "/allocation/correct")
        events = await self.client.post(case.region.centre("allocation"), path, correction)
        corrected = next(event for event in events if event["type"] == "AllocationCorrected")
        _expect(corrected["amount_fen"] == case.planned_fen(), case, corrected)
        case.allocation_fen = corrected["amount_fen"]

    async def _hand_over(self, case: Case) -> None:
        if case.kind == "withdrawn":
            await self.client.post(case.enterprise.enterprise, self._path(case, "/withdraw"), {})
            case.open = False
            return
        if case.kind == "expired":
            case.open = False
            return
        await self.client.post(case.enterprise.enterprise, self._path(case, "/tender"), {})
        if case.mode == "tongdui":
            await self.client.post(case.provider.provider, self._path(case, "/collect"), {})

    async def _request(self, case: Case) -> None:
        case.redemption_id = self.client.id("redemption", case.number)
        person = case.enterprise.enterprise if case.mode == "tongyong" else case.provider.provider
        body = request_body(case, self.date, short=case.kind == "returned")
        for content in documents(case).values():
            await self.client.hand_in(person, "/settlement/v1/documents", content)
        if case.kind == "invoice_over":
            over = json.loads(json.dumps(body))
            over["invoices"][0]["allotted_fen"] += 1
            await self._refused(self.client.post(person, "/settlement/v1/redemptions", over), case, "invoice_exhausted")
        await self.client.post(person, "/settlement/v1/redemptions", body)

    def _redemption(self, case: Case, step: str) -> str:
        return f"/settlement/v1/redemptions/{case.redemption_id}/{step}"

    async def _review(self, case: Case) -> None:
        officer = case.region.centre("review")
        if case.kind == "returned":
            review = self.client.post(officer, self._redemption(case, "review"), {})
            await self._refused(review, case, "receipts_too_low")
            await self.client.post(officer, self._redemption(case, "return"), {"reasons": ["receipts_too_low"]})
            person = case.enterprise.enterprise if case.mode == "tongyong" else case.provider.provider
            body = request_body(case, self.date)
            del body["redemption_id"], body["voucher_id"]
            await self.client.post(person, self._redemption(case, "resubmit"), body)
        await self.client.post(officer, self._redemption(case, "review"), {})

    async def _approve(self, case: Case) -> None:
        await self.client.post(case.region.officer("approval"), self._redemption(case, "approve"), {})

    async def _publish(self, day: int) -> None:
        """One notice a region of what was approved the day before."""
        due = self._due(day, 6, late=True)
        for region in REGIONS:
            listed = [case for case in due if case.region is region]
            if listed:
                notice_id = str(self.client.id("notice", region.code, day))
                body = {
                    "notice_id": notice_id, "region": region.code,
                    "redemption_ids": [str(case.redemption_id) for case in listed],
                }
                await self.client.post(region.officer("notice"), "/settlement/v1/notices", body)
                self.objections += [(case, notice_id, self.date) for case in listed if case.kind.startswith("objection")]
        if due:
            await self.client.quiet()

    async def _object(self) -> None:
        """Two days into the period somebody objects; the day after, the region rules."""
        for case, notice_id, published in self.objections:
            objection_id = str(self.client.id("objection", case.number))
            path = f"/settlement/v1/notices/{notice_id}/objections"
            if str(self.today - timedelta(days=2)) == published:
                body = {"objection_id": objection_id, "item_id": str(case.redemption_id), "reason_sha256": digest("异议")}
                await self.client.post(None, path, body)
            if str(self.today - timedelta(days=3)) == published:
                upheld = case.kind == "objection_upheld"
                ruling = {"upheld": upheld, "grounds_sha256": digest("裁定")}
                await self.client.post(case.region.officer("approval"), f"{path}/{objection_id}/ruling", ruling)
                if upheld:
                    rejection = {"reasons": ["objection_upheld"], "decision_no": f"决〔{YEAR}〕{case.number}号"}
                    await self.client.post(case.region.officer("approval"), self._redemption(case, "reject"), rejection)
                    case.open = False
                await self.client.quiet()

    async def _take_back(self, day: int) -> None:
        """An officer's mistake: 1,000 yuan too many were paid. Another officer orders them back; 400 come through the
        treasury, the rest is set off against the laboratory's next payment."""
        case = next(case for case in self.cases if case.kind == "mistaken")
        clawback_id = str(self.client.id("clawback", case.number))
        path = f"/settlement/v1/clawbacks/{clawback_id}"
        if day == case.start + MISTAKE_FOUND:
            proposed = {
                "clawback_id": clawback_id, "redemption_id": str(case.redemption_id), "debtor_uscc": case.provider.uscc,
                "amount_fen": 1_000 * YUAN, "ground": "no_fault", "evidence_sha256": [digest("复核记录")],
            }
            await self.client.post(case.region.officer("recovery"), "/settlement/v1/clawbacks", proposed)
            ordered = {"decision_no": f"{case.region.name}科追〔{YEAR}〕1号", "amount_fen": 1_000 * YUAN}
            await self.client.post(case.region.officer("approval"), f"{path}/order", ordered)
            await self.client.quiet()
        if day == case.start + MISTAKE_FOUND + 3:
            repaid = {
                "amount_fen": 400 * YUAN, "method": "treasury", "fiscal_year": YEAR, "reference": f"缴款书{YEAR}0001",
                "received_on": self.date,
            }
            await self.client.post(case.region.officer("recovery"), f"{path}/recoveries", repaid)
            await self.client.quiet()

    async def _refused(self, act: Awaitable[Any], case: Case, code: str) -> None:
        try:
            await act
        except Refused as refused:
            _expect(refused.code == code, case, refused.problem)
        else:
            raise UnexpectedAnswer(f"case {case.number} ({case.kind}): {code} was expected")


def _lines(case: Case) -> list[dict[str, Any]]:
    line = {
        "line_no": 1, "item_code": case.item, "category": case.category, "description": "委托服务",
        "amount_fen": case.amount_fen, "tax_bp": case.tax_bp,
    }
    return [line, {**line, "line_no": 2, "amount_fen": 1_000_000}] if case.kind == "corrected" else [line]


def _start(case: Case, late: bool) -> int:
    """The day its steps count from; on its last day the request of that kind is made."""
    if late and case.kind == "last_day":
        return case.start + case.region.redeem_by_days - 3
    return case.start


def _expect(holds: bool, case: Case, said: Any) -> None:
    if not holds:
        raise UnexpectedAnswer(f"case {case.number} ({case.kind}): {said}")


def _bar() -> Progress:
    days = TextColumn("{task.completed}/{task.total} 天")
    return Progress(TextColumn("{task.description}"), BarColumn(), days, TimeElapsedColumn(), transient=True)
