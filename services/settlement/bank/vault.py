"""Private tables of the payment: account numbers by their keyed digest, and the bytes of every released file.

Both are written before the event that refers to them, each in a transaction of its own: what an event names is
there, and what a decision that came to nothing left behind is referred to by nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import Connection

_TABLES = (
    "CREATE TABLE IF NOT EXISTS settlement_account_numbers (account_hmac text PRIMARY KEY, number text NOT NULL)",
    "CREATE TABLE IF NOT EXISTS settlement_bank_files"
    " (file_sha256 text PRIMARY KEY, message_id text NOT NULL, content bytea NOT NULL)",
)


class Vault:
    """``url`` of the settlement service's database."""

    def __init__(self, url: str) -> None:
        self._url = url
        with self._connect() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('settlement_vault'))")
            for statement in _TABLES:
                connection.execute(statement)

    def keep_number(self, account_hmac: str, number: str) -> None:
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO settlement_account_numbers VALUES (%s, %s) ON CONFLICT DO NOTHING", (account_hmac, number)
            )

    def numbers(self, account_hmacs: Iterable[str]) -> dict[str, str]:
        """Those that are known, by digest."""
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT account_hmac, number FROM settlement_account_numbers WHERE account_hmac = ANY(%s)",
                (list(account_hmacs),),
            ).fetchall()
        return dict(rows)

    def keep_file(self, message_id: str, content: bytes) -> str:
        """Its SHA-256. The same bytes again are the same file."""
        digest = hashlib.sha256(content).hexdigest()
        with self._connect() as connection:
            connection.execute(
                "INSERT INTO settlement_bank_files VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (digest, message_id, content)
            )
        return digest

    def file(self, file_sha256: str) -> bytes | None:
        """The bytes of that digest; never others. Raises ValueError where what is stored has another."""
        with self._connect() as connection:
            row = connection.execute(
                "SELECT content FROM settlement_bank_files WHERE file_sha256 = %s", (file_sha256,)
            ).fetchone()
        if row is None:
            return None
        content = bytes(row[0])
        if hashlib.sha256(content).hexdigest() != file_sha256:
            raise ValueError(f"the stored file {file_sha256} has another digest")
        return content

    def _connect(self) -> Connection[Any]:
        return psycopg.connect(self._url, connect_timeout=2)
