"""Some weeks after the last payment: a sample is drawn; one paid case is inspected, its laboratory sanctioned, its money taken
back; and the case is handed over as a bundle that proves itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from services.demo.casebook import Case
from services.demo.cast import FIRST_DAY, YEAR, digest
from services.demo.client import PATIENCE_SECONDS, Client, Person, Refused
from services.demo.opening import SHARED_ACCOUNT

AUDITOR = Person("auditor-1", "auditor")
SAMPLE = 2


class Supervision:
    """One case's inspection, a step a day. ``today`` gives the business day."""

    def __init__(self, client: Client, cases: list[Case], today: Callable[[], str]) -> None:
        self._client = client
        self._cases = cases
        self._today = today
        self._case: Case | None = None
        self._inspection = str(client.id("inspection"))
        self._sanction = str(client.id("sanction"))

    async def one_day(self, day: int) -> None:
        """``day`` counts from the first day of supervision."""
        steps = (self._draw, self._inspect, self._hear, self._propose, self._decide, self._order, self._repay)
        if 0 <= day < len(steps):
            await steps[day]()
            await self._client.quiet()

    async def _draw(self) -> None:
        """A regular inspection of what was paid by the day before yesterday; nothing is found."""
        until = date.fromisoformat(self._today()) - timedelta(days=2)
        asked = {
            "sample_id": str(self._client.id("sample")), "seed": f"{YEAR}-1", "size": SAMPLE, "from_on": str(FIRST_DAY),
            "until": str(until),
        }
        [sample, *_] = await self._client.post(AUDITOR, "/audit/v1/samples", asked)
        for one in sample["drawn"]:
            path = f"/audit/v1/inspections/{one['inspection_id']}/close"
            await self._client.post(AUDITOR, path, {"recommendation": "none"})

    async def _inspect(self) -> None:
        """The case behind a signal, where there is one: its report was copied."""
        self._case = await self._paid_case()
        opened: dict[str, Any] = {
            "inspection_id": self._inspection, "voucher_id": str(self._case.voucher_id), "cause": "report",
        }
        signals = (await self._client.get(AUDITOR, "/audit/v1/signals", rule="account_of_several")).json()["items"]
        if signals and self._case.provider.uscc in SHARED_ACCOUNT:
            opened |= {"cause": "signal", "signal_id": signals[0]["signal_id"]}
        await self._client.post(AUDITOR, "/audit/v1/inspections", opened)
        finding = {
            "party_uscc": self._case.provider.uscc, "grade": "falsified", "stop_payment": True,
            "document_sha256": [digest("检查记录")],
        }
        await self._client.post(AUDITOR, f"/audit/v1/inspections/{self._inspection}/findings", finding)

    async def _hear(self) -> None:
        """The laboratory states its case; the money is to come back."""
        case = self._found()
        path = f"/audit/v1/inspections/{self._inspection}"
        await self._client.post(case.provider.provider, f"{path}/statements", {"document_sha256": digest("情况说明")})
        closed = {
            "recommendation": "clawback", "redemption_id": str(case.redemption_id), "amount_fen": case.payable_fen(),
            "debtor_uscc": case.provider.uscc,
        }
        await self._client.post(AUDITOR, f"{path}/close", closed)

    async def _propose(self) -> None:
        case = self._found()
        proposed = {
            "sanction_id": self._sanction, "inspection_id": self._inspection, "party_uscc": case.provider.uscc,
            "basis": "沪科合〔2020〕31号 二(六)",
        }
        officer = case.region.officer("supervision")
        await self._client.post(officer, "/audit/v1/sanctions", proposed)
        await self._client.post(officer, f"/audit/v1/sanctions/{self._sanction}/notice", {})
        stated = {"document_sha256": digest("陈述申辩")}
        await self._client.post(case.provider.provider, f"/audit/v1/sanctions/{self._sanction}/statement", stated)

    async def _decide(self) -> None:
        """Another officer decides; both places have it on record."""
        case = self._found()
        today = date.fromisoformat(self._today())
        decided = {
            "basis": "沪科合〔2020〕31号 二(六)", "from_on": str(today), "until": str(today + timedelta(days=365)),
            "decision_no": f"{case.region.name}科罚〔{YEAR}〕1号",
        }
        await self._client.post(case.region.officer("approval"), f"/audit/v1/sanctions/{self._sanction}/decision", decided)

    async def _order(self) -> None:
        """The region's department decides what the inspection recommended."""
        case = self._found()
        await self._client.post(case.region.officer("clawback"), await self._clawback("/order"), {
            "decision_no": f"{case.region.name}科追〔{YEAR}〕1号", "amount_fen": case.payable_fen(),
        })  # fmt: skip

    async def _repay(self) -> None:
        """By two instalments; with the second it is closed."""
        case = self._found()
        first = case.payable_fen() // 2
        for number, fen in enumerate((first, case.payable_fen() - first), 1):
            await self._client.post(case.region.officer("payment"), await self._clawback("/recoveries"), {
                "amount_fen": fen, "method": "repaid", "fiscal_year": YEAR, "reference": f"流水{number}",
                "received_on": self._today(),
            })  # fmt: skip

    async def _clawback(self, step: str) -> str:
        """The path of a step of the recovery that was proposed of the case."""
        asked = {"redemption_id": str(self._found().redemption_id)}
        [row] = (await self._client.get(AUDITOR, "/settlement/v1/clawbacks", **asked)).json()["items"]
        return f"/settlement/v1/clawbacks/{row['clawback_id']}{step}"

    async def bundle(self) -> tuple[bytes, bytes]:
        """The inspected case as a bundle, when a checkpoint covers its last event; and keys.json, taken before it: what it knows
        of the logs is never newer than the bundle."""
        path = f"/audit/v1/cases/{self._found().voucher_id}/bundle"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            keys = await self._client.get(AUDITOR, "/audit/v1/keys")
            try:
                bundle = await self._client.get(AUDITOR, path, purpose="demo")
            except Refused as refused:
                if refused.code != "not_covered" or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)
            else:
                return bundle.content, keys.content

    async def _paid_case(self) -> Case:
        """A settled 通兑 case, of a laboratory that shares its account where there is one."""
        plain = (case for case in self._cases if case.kind != "mistaken")
        paid = [case for case in plain if case.mode == "tongdui" and case.redemption_id and case.open]
        paid.sort(key=lambda case: case.provider.uscc not in SHARED_ACCOUNT)
        for case in paid:
            row = (await self._client.get(AUDITOR, f"/settlement/v1/redemptions/{case.redemption_id}")).json()
            if row["state"] == "settled":
                return case
        raise RuntimeError("no 通兑 case was paid")

    def _found(self) -> Case:
        assert self._case is not None, "nothing was inspected"
        return self._case
