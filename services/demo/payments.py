"""Who pays in the pilot: each region's treasury by lists, and the agent for all of them through its bank."""

from __future__ import annotations

from datetime import date
from typing import Any

from services.demo.bank import Bank
from services.demo.casebook import BY_CODE, Case
from services.demo.cast import AGENT, AGENT_ID, FIRST_DAY, REGIONS
from services.demo.client import Client, Person
from services.demo.opening import account_number, open_account
from services.demo.treasury import Treasury


class Payments:
    """What is scheduled goes out on its day, and is answered by whom it was sent to."""

    def __init__(self, client: Client, bank: Bank, treasury: Treasury, cases: list[Case]) -> None:
        self._client = client
        self._bank = bank
        self._treasury = treasury
        self._cases = cases
        self._today = FIRST_DAY

    async def one_day(self, today: date) -> None:
        self._today = today
        if await self._treasury.answer(today):
            await self._client.quiet()
        if self._bank.is_open(today):
            await self._fund()
        await self._release()

    async def _fund(self) -> None:
        """Each region sends the agent what a closed window asks of it."""
        answer, today = await self._client.get(AGENT, "/settlement/v1/windows", state="closed"), str(self._today)
        for window in answer.json()["items"]:
            path = f"/settlement/v1/windows/{window['window_id']}/funding"
            for one in window["positions"]:
                sent = {
                    "region": one["region"], "amount_fen": one["asked_fen"] - one["received_fen"], "received_on": today,
                    "reference": f"{one['region']}-{window['closes_on']}",
                }
                if sent["amount_fen"]:
                    await self._bank.receive(BY_CODE[one["region"]].name, sent["amount_fen"], sent["reference"])
                    await self._client.post(AGENT, path, sent)
            await self._client.quiet()

    async def _release(self) -> None:
        """Each region's treasury, and the agent for all of them, are told what is to be paid."""
        for region in REGIONS:
            officer = region.officer("payment")
            due = await self._to_pay(officer, "treasury", "scheduled")
            if due:
                await self._treasury.take(region, await self._batch(officer, region.code, "treasury", due), self._today)
        if not self._bank.is_open(self._today):
            return
        if await self._to_pay(AGENT, "agent", "returned"):
            await self._mend_account()
        due = [row for state in ("scheduled", "returned") for row in await self._to_pay(AGENT, "agent", state)]
        closed = str(self._sent_back().redemption_id)
        sent_back = [row for row in due if row["redemption_id"] == closed and row["state"] == "scheduled"]
        await self._pay(sent_back, "return-later", days=3)
        await self._pay([row for row in due if row not in sent_back])

    async def _to_pay(self, person: Person, channel: str, state: str) -> list[dict[str, Any]]:
        waiting = {"state": state, "channel": channel, "held": "false", "limit": 500}
        answer = await self._client.get(person, "/settlement/v1/payouts", **waiting)
        return [row for row in answer.json()["items"] if row["amount_fen"]]

    async def _pay(self, due: list[dict[str, Any]], behaviour: str = "accept", **parameters: Any) -> None:
        """A batch of the agent, and what its bank makes of it."""
        if due:
            batch_id = await self._batch(AGENT, str(AGENT_ID), "agent", due)
            await self._bank.pay(batch_id, behaviour, **parameters)
            await self._client.quiet()

    async def _batch(self, person: Person, payer: str, channel: str, due: list[dict[str, Any]]) -> str:
        payouts = [row["payout_id"] for row in due]
        batch_id = str(self._client.id("batch", payer, self._today, payouts[0]))
        await self._client.post(person, "/settlement/v1/batches", {"batch_id": batch_id, "payer": payer, "channel": channel})
        await self._client.post(person, f"/settlement/v1/batches/{batch_id}/release", {"payout_ids": payouts})
        await self._client.quiet()
        return batch_id

    def _sent_back(self) -> Case:
        """Whose money comes back: the laboratory's account is closed."""
        return next(case for case in self._cases if case.kind == "sent_back")

    async def _mend_account(self) -> None:
        """退票: the laboratory names another account, its region's centre confirms it, and it is paid again."""
        case = self._sent_back()
        number = account_number(case.provider.uscc, mended=True)
        await open_account(self._client, case.provider.uscc, case.provider.provider, case.region, number)
        await self._client.quiet()
