"""The settlement service as an agent's connector asks it: released files, payments, answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx


class NotAnswered(RuntimeError):
    """The platform could not be reached or cannot serve now: ask again."""


class NotAllowed(RuntimeError):
    """The platform does not let this agent in: an operator has to look."""


class Settlement:
    """``token``: of an agent's person. It asks for the agent's own rows only; whoever is not let in raises NotAllowed."""

    def __init__(self, url: str, token: str, client: httpx.Client | None = None) -> None:
        self._http = client or httpx.Client(base_url=url, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}"}

    def released(self, agent_id: UUID) -> Iterator[dict[str, Any]]:
        """Every batch of the agent that was released, as the list shows it."""
        return self._pages("/settlement/v1/batches", {"payer": str(agent_id), "state": "released"})

    def payouts(self) -> Iterator[dict[str, Any]]:
        """Every payment of the regions the agent pays for."""
        return self._pages("/settlement/v1/payouts", {})

    def _pages(self, path: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        after: dict[str, str] = {}
        while True:
            page = self._get(path, params={**query, "limit": "500", **after}).json()
            yield from page["items"]
            if page["next"] is None:
                return
            after = {"after": page["next"]}

    def file(self, batch_id: str) -> bytes | None:
        """The released bytes; None for a batch that was released as a list."""
        answer = self._ask("GET", f"/settlement/v1/batches/{batch_id}/file")
        return None if answer.status_code == 404 else self._read(answer).content

    def payout(self, payout_id: UUID) -> dict[str, Any] | None:
        """The payment as its row shows it; None where there is none that is ours."""
        answer = self._ask("GET", f"/settlement/v1/payouts/{payout_id}")
        return None if answer.status_code == 404 else self._read(answer).json()

    def is_overridden(self, statement_sha256: str) -> bool:
        """Two persons have accepted a statement that is refused."""
        answer = self._ask("GET", f"/settlement/v1/statements/{statement_sha256}")
        return answer.status_code != 404 and bool(self._read(answer).json()["state"] == "overridden")

    def record(self, payout_id: UUID, step: str, body: dict[str, Any], key: UUID) -> dict[str, Any] | None:
        """None when it is recorded, now or before; else the problem document. ``step``: settled, failed, uncertain, returned."""
        return self.post(f"payouts/{payout_id}/{step}", body, key)

    def post(self, path: str, body: dict[str, Any], key: UUID) -> dict[str, Any] | None:
        """None when the command is recorded, now or before; else the problem document."""
        answer = self.command(path, body, key)
        return None if "events" in answer else answer

    def command(self, path: str, body: dict[str, Any], key: UUID) -> dict[str, Any]:
        """What was recorded (``events``), or the problem document."""
        headers = {"Idempotency-Key": str(key)}
        answer = self._ask("POST", f"/settlement/v1/{path}", json=body, headers=headers)
        if answer.status_code == 200:
            recorded: dict[str, Any] = answer.json()
            return recorded
        if answer.status_code in (401, 429) or answer.status_code >= 500:
            self._read(answer)
        problem: dict[str, Any] = answer.json()
        if problem["code"] in ("role_not_allowed", "not_yours", "token_invalid"):
            raise NotAllowed(problem["detail"])
        return problem

    def _get(self, path: str, **request: Any) -> httpx.Response:
        return self._read(self._ask("GET", path, **request))

    def _ask(self, method: str, path: str, headers: dict[str, str] | None = None, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, headers={**self._headers, **(headers or {})}, **request)
        except httpx.HTTPError as error:
            raise NotAnswered(f"{method} {path}: {error}") from error

    @staticmethod
    def _read(answer: httpx.Response) -> httpx.Response:
        if answer.status_code == 200:
            return answer
        what = f"{answer.status_code}: {answer.text[:300]}"
        raise NotAllowed(what) if answer.status_code in (401, 403) else NotAnswered(what)
