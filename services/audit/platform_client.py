"""The platform's API, as the commands of an auditor ask it."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import httpx

from shared.runtime.settings import Settings
from shared.runtime.tokens import issue

#: a checkpoint over what happened just now is signed within that time
PATIENCE_SECONDS = 30.0
RETRY_SECONDS = 0.5


class NotAnswered(RuntimeError):
    """The platform refused or could not be reached; the text says which."""


class Platform:
    """Without a token of the caller's, a development platform's own key makes one for an auditor. Raises DevelopmentOnly in
    production. ``waits`` is told once why an answer is waited for."""

    def __init__(self, url: str, token: str | None, settings: Settings, waits: Callable[[str], None]) -> None:
        self._waits = waits
        self._http = httpx.Client(base_url=url, timeout=60)
        self._token = token
        self._settings = settings

    def __enter__(self) -> Platform:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> bytes:
        """The body; waits while no checkpoint covers what was asked. Raises NotAnswered."""
        parameters = {name: value for name, value in query.items() if value is not None}
        answer, deadline = self._ask("GET", path, params=parameters), time.monotonic() + PATIENCE_SECONDS
        if _is_not_covered(answer):
            self._waits(answer.json()["detail"])
        while _is_not_covered(answer) and time.monotonic() < deadline:
            time.sleep(RETRY_SECONDS)
            answer = self._ask("GET", path, params=parameters)
        return self._body(answer)

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        """Raises NotAnswered."""
        return self._body(self._ask("POST", path, json=body))

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        self._token = self._token or issue(self._settings, "auditor", "auditor")
        try:
            return self._http.request(method, path, headers={"Authorization": f"Bearer {self._token}"}, **request)
        except httpx.HTTPError as error:
            raise NotAnswered(f"{self._http.base_url} does not answer: {error}") from error

    def _body(self, answer: httpx.Response) -> bytes:
        if answer.status_code != 200:
            told = answer.json().get("detail") if "json" in answer.headers.get("content-type", "") else answer.text[:300]
            raise NotAnswered(f"{answer.status_code}: {told}")
        return answer.content


def _is_not_covered(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and answer.json().get("code") == "not_covered"
