"""Evidence in an object store: named by its digest, taken by its content, checked when it is read."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.runtime.document_routes import DocumentRoutes
from shared.runtime.document_view import Use, document_row
from shared.runtime.documents import (
    DocumentDamaged,
    DocumentEmpty,
    DocumentKindNotAccepted,
    Documents,
    DocumentTooLarge,
)
from shared.runtime.settings import Settings
from tests.unit.web_runtime import ENTERPRISE, Caller, FakeRuntime, is_problem, routes

PDF = b"%PDF-1.7\nreport\n"
DIGEST = hashlib.sha256(PDF).hexdigest()


async def stream(content: bytes, size: int = 3) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "documents").rglob("*") if path.is_file()]


async def test_a_document_is_kept_under_its_digest_and_given_back_whole(tmp_path: Path) -> None:
    documents = Documents(Settings(state_dir=tmp_path))
    kept = await documents.keep(stream(PDF))
    assert (kept.sha256, kept.size_bytes, kept.media_type) == (DIGEST, len(PDF), "application/pdf")
    assert b"".join([chunk async for chunk in await documents.read(DIGEST)]) == PDF
    await documents.keep(stream(PDF, 7))
    assert [path.name for path in files(tmp_path)] == [DIGEST]


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b'<?xml version="1.0"?><a/>', "application/xml"),
        (b"PK\x03\x04" + bytes(26) + b"OFD.xml<>", "application/ofd"),
    ],
)
async def test_a_documents_kind_is_seen_in_its_content(content: bytes, media_type: str, tmp_path: Path) -> None:
    assert (await Documents(Settings(state_dir=tmp_path)).keep(stream(content))).media_type == media_type


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", DocumentEmpty),
        (b"MZ\x90 a program named report.pdf", DocumentKindNotAccepted),
        (b"PK\x03\x04 some other archive", DocumentKindNotAccepted),
        (PDF + bytes(100), DocumentTooLarge),
    ],
)
async def test_what_is_refused_leaves_nothing_behind(content: bytes, refusal: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(refusal):
        await Documents(Settings(state_dir=tmp_path), limit=100).keep(stream(content))
    assert files(tmp_path) == []


async def test_a_changed_byte_is_found_before_anything_is_given_out(tmp_path: Path) -> None:
    documents = Documents(Settings(state_dir=tmp_path))
    await documents.keep(stream(PDF))
    [stored] = files(tmp_path)
    stored.write_bytes(PDF.replace(b"report", b"retort"))
    with pytest.raises(DocumentDamaged):
        await documents.read(DIGEST)


def test_one_file_behind_two_vouchers_is_marked() -> None:
    first = document_row(None, Use(DIGEST, "result", "r-1", "v-1", "310118"), None)
    again = document_row(first, Use(DIGEST, "result", "r-2", "v-1", "310118"), None)
    other = document_row(again, Use(DIGEST, "report", "r-3", "v-2", "320509"), None)
    assert [row["shared"] for row in (first, again, other)] == ["no", "no", "yes"]
    assert (other["cases"], other["regions"]) == (["r-1", "r-2", "r-3"], ["310118", "320509"])


class Rows:
    """The cases a digest stands in, and whose they are."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {
            ("documents", DIGEST): {"cases": ["a"]},
            ("vouchers", "a"): {"enterprise_uscc": ENTERPRISE},
        }

    def get(self, name: str, key: str) -> dict[str, Any] | None:
        return self.rows.get((name, key))


@pytest.fixture
def runtime(tmp_path: Path) -> FakeRuntime:
    case = next(route for route in routes() if route.path == "/vouchers/{key}")
    extra = [DocumentRoutes(case, frozenset({"enterprise"}))]
    runtime = FakeRuntime(Settings(state_dir=tmp_path), extra=extra)
    runtime.projections = Rows()  # type: ignore[assignment]
    return runtime


async def test_a_document_is_read_by_who_may_read_its_case_and_by_nobody_else(runtime: FakeRuntime) -> None:
    caller, path = Caller(runtime), f"/voucher/v1/documents/{DIGEST}"
    handed_in = await caller.post("/voucher/v1/documents", content=PDF)
    assert (handed_in.status_code, handed_in.json()["sha256"]) == (200, DIGEST)
    assert (await caller.get(path)).content == PDF
    assert (await caller.get(path, role="auditor")).content == PDF
    runtime.projections.rows["vouchers", "a"] = {"enterprise_uscc": "another"}
    is_problem(await caller.get(path), 404, "not_found")
    is_problem(await caller.post("/voucher/v1/documents", content=PDF, role="auditor"), 403, "role_not_allowed")
    recorded = [(command.what, command.purpose) for command, *_ in runtime.executed]
    assert recorded == [("view_read", "not stated"), ("refused", "not_in_scope"), ("refused", "role_not_allowed")]


async def test_a_document_may_be_larger_than_a_command_and_is_refused_over_its_own_limit(runtime: FakeRuntime) -> None:
    caller = Caller(runtime)
    large = await caller.post("/voucher/v1/documents", content=PDF + bytes(2 * 1024 * 1024))
    assert large.status_code == 200
    too_large = await caller.post("/voucher/v1/documents", content=PDF + bytes(51 * 1024 * 1024))
    assert too_large.status_code == 413
