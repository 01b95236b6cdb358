"""A client of the platform's public commands, as a company, a laboratory or an officer would be."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import httpx

from services.demo.stage import SERVICES, Stage
from shared.runtime.tokens import issue

NAMESPACE = UUID("0b9a6a2e-4a53-5cf9-8a39-7c2f3b1f9d11")
PATIENCE_SECONDS = 60.0


class Refused(Exception):
    """The platform said no: the problem document."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem.get('code')}: {problem.get('detail')}")
        self.problem = problem

    @property
    def code(self) -> str:
        return str(self.problem.get("code"))


class NotQuiet(RuntimeError):
    """The services did not come to rest; the text has their progress."""


@dataclass(frozen=True)
class Person:
    """Somebody with a token."""

    sub: str
    role: str
    region: str | None = None
    uscc: str | None = None
    member_of: UUID | None = None


class Client:
    """Posts commands under ids that follow from the run's seed, and waits as a careful client does."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._seed = seed
        self._http = httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=32))
        self._tokens: dict[Person, str] = {}

    async def close(self) -> None:
        await self._http.aclose()

    def id(self, *parts: object) -> UUID:
        """The same id for the same parts in every run of one seed."""
        return uuid5(NAMESPACE, "/".join(map(str, (self._seed, *parts))))

    async def post(self, person: Person | None, path: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The recorded events. Raises Refused with the problem document."""
        key = self.id("key", person.sub if person else "public", path, json.dumps(body, sort_keys=True))
        headers = {"Idempotency-Key": str(key)}
        if person:
            headers["Authorization"] = f"Bearer {self._token(person)}"
        answer = await self._http.post(self._url(path), json=body, headers=headers)
        if answer.status_code != 200:
            raise Refused(_problem(answer))
        return answer.json()["events"]

    async def hand_in(self, person: Person, path: str, content: bytes, media_type: str | None = None) -> None:
        """One document. Raises Refused with the problem document."""
        key = self.id("key", person.sub, path)
        headers = {"Authorization": f"Bearer {self._token(person)}", "Idempotency-Key": str(key)}
        if media_type:
            headers["Content-Type"] = media_type
        answer = await self._http.post(self._url(path), content=content, headers=headers)
        if answer.status_code != 200:
            raise Refused(_problem(answer))

    async def get(self, person: Person | None, path: str, **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token(person)}"} if person else {}
        answer = await self._http.get(self._url(path), params=query, headers=headers)
        if answer.status_code != 200:
            raise Refused(_problem(answer))
        return answer

    async def quiet(self) -> None:
        """Until every inbox is at every head and no command or sweep waits, twice in a row."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        before: Any = None
        while True:
            answers = await asyncio.gather(*(self._progress(service) for service in SERVICES))
            progress = dict(zip(SERVICES, answers, strict=True))
            if _at_rest(progress) and progress == before:
                return
            before = progress
            if time.monotonic() > deadline:
                raise NotQuiet(f"not at rest after {PATIENCE_SECONDS:.0f} s: {progress}")
            if not _at_rest(progress):
                await asyncio.sleep(0.003)

    async def _progress(self, service: str) -> dict[str, Any]:
        answer = await self._http.get(self._url(f"/{service}/v1/progress"))
        answer.raise_for_status()
        return answer.json()

    def _url(self, path: str) -> str:
        return self._stage.urls[path.split("/")[1]] + path

    def _token(self, person: Person) -> str:
        if person not in self._tokens:
            self._tokens[person] = issue(
                self._stage.settings,
                sub=person.sub,
                role=person.role,
                region=person.region,
                uscc=person.uscc,
                member_of=person.member_of,
            )
        return self._tokens[person]


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return answer.json()
    return {"code": f"http_{answer.status_code}", "detail": answer.text[:500]}


def _at_rest(progress: Mapping[str, Mapping[str, Any]]) -> bool:
    heads = {service: said["head"] for service, said in progress.items()}
    return all(
        said["waiting"] == 0 and all(heads[source] == position for source, position in said["applied"].items())
        for said in progress.values()
    )
