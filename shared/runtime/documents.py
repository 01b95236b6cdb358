"""Evidence in an object store: a folder, or S3 and its like by URL. A document's name is its SHA-256.

A document is written once and never changed. Its digest and size are counted while it streams in; reading counts
the digest again before a byte is given out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import obstore
from obstore.store import LocalStore, from_url
from pydantic import BaseModel, ConfigDict

from shared.kernel.decisions import NotFound, Refusal
from shared.runtime.settings import Settings

DOCUMENT_LIMIT = 50 * 1024 * 1024
"""Bytes of one document."""

_OFD_ENTRY = b"OFD.xml"
_BEGINNINGS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"<?xml", "application/xml"),
    (b"\xef\xbb\xbf<?xml", "application/xml"),
    (b"PK\x03\x04", "application/ofd"),
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class DocumentTooLarge(Refusal):
    status = 413
    zh = "文件不得超过{limit}字节"
    en = "a document has at most {limit} bytes"


class DocumentEmpty(Refusal):
    zh = "文件为空"
    en = "the document is empty"


class DocumentKindNotAccepted(Refusal):
    status = 415
    zh = "只接受PDF、OFD、XML、JPEG、PNG文件, 以内容为准"
    en = "a document is PDF, OFD, XML, JPEG or PNG, by its content, not its name"


class DocumentDamaged(Refusal):
    status = 500
    zh = "存储中的文件与其摘要不符: {sha256}"
    en = "what is stored under {sha256} has another digest: restore it from a copy"


class KeptDocument(BaseModel):
    """What an event that refers to the document states of it."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    size_bytes: int
    media_type: str


class _Counted:
    """Digest, size and kind of a stream, as it passes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._digest = hashlib.sha256()
        self._size = 0
        self._beginning = b""
        self._tail = b""
        self._holds_ofd = False

    def take(self, chunk: bytes) -> None:
        """Raises DocumentTooLarge once more than the limit has passed."""
        self._size += len(chunk)
        if self._size > self._limit:
            raise DocumentTooLarge(limit=self._limit)
        self._digest.update(chunk)
        if len(self._beginning) < 16:
            self._beginning = (self._beginning + chunk[:16])[:16]
        seen = self._tail + chunk
        self._holds_ofd = self._holds_ofd or _OFD_ENTRY in seen
        self._tail = seen[-len(_OFD_ENTRY) :]

    def kept(self) -> KeptDocument:
        """Raises DocumentEmpty or DocumentKindNotAccepted."""
        if not self._size:
            raise DocumentEmpty
        found = next((kind for start, kind in _BEGINNINGS if self._beginning.startswith(start)), None)
        if found is None or (found == "application/ofd" and not self._holds_ofd):
            raise DocumentKindNotAccepted
        return KeptDocument(sha256=self._digest.hexdigest(), size_bytes=self._size, media_type=found)


class Documents:
    """The store of one platform. ``documents_url`` of the settings, else a folder in ``state_dir``."""

    def __init__(self, settings: Settings, limit: int = DOCUMENT_LIMIT) -> None:
        self._limit = limit
        if settings.documents_url:
            self._store = from_url(settings.documents_url)
        else:
            folder = Path(settings.state_dir).resolve() / "documents"
            self._store = LocalStore(folder, mkdir=True)

    async def keep(self, chunks: AsyncIterator[bytes]) -> KeptDocument:
        """Write a document as it streams in. What is refused half-way leaves nothing under a digest."""
        incoming = f"incoming/{uuid4().hex}"
        counted = _Counted(self._limit)
        try:
            async with obstore.open_writer_async(self._store, incoming) as writer:
                async for chunk in chunks:
                    counted.take(chunk)
                    await writer.write(chunk)
            kept = counted.kept()
        except BaseException:
            await self._discard(incoming)
            raise
        await obstore.rename_async(self._store, incoming, _path(kept.sha256))
        return kept

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """The document, checked from its first byte to its last before any is given.

        Raises NotFound, or DocumentDamaged where the stored bytes have another digest.
        """
        if not _SHA256.fullmatch(sha256):
            raise NotFound(what="document", id=sha256)
        digest = hashlib.sha256()
        try:
            async for chunk in await self._stream(sha256):
                digest.update(chunk)
        except FileNotFoundError as error:
            raise NotFound(what="document", id=sha256) from error
        if digest.hexdigest() != sha256:
            raise DocumentDamaged(sha256=sha256)
        return await self._stream(sha256)

    async def _stream(self, sha256: str) -> AsyncIterator[bytes]:
        found = await obstore.get_async(self._store, _path(sha256))
        return (bytes(chunk) async for chunk in found.stream())

    async def _discard(self, path: str) -> None:
        try:
            await obstore.delete_async(self._store, path)
        except FileNotFoundError:
            return


def _path(sha256: str) -> str:
    return f"sha256/{sha256[:2]}/{sha256}"
