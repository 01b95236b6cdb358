"""What a case rests on in the registry's log: its region's terms, its parties, the catalogues; and any one stream."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection
from tongdui_events.codec import UnreadableDocument, decode
from tongdui_events.document import Document
from tongdui_events.streams import account_id, catalogue_id, enterprise_id, provider_id, province_id, region_id

from services.audit.cases import Entry
from services.audit.domain.parties import Parties
from services.audit.domain.reasons import Known

KINDS = ("enterprise", "provider", "region", "province", "catalogue", "account", "stream")


def streams_of(kind: str, key: str) -> UUID:
    """The stream of a party, a region, a province, a catalogue (``2025`` or ``2025-310118``), an account (by USCC), or
    any by its id: a public notice, a voucher, a ceiling. ValueError for what is no key of that kind."""
    match kind:
        case "enterprise":
            return enterprise_id(key)
        case "provider":
            return provider_id(key)
        case "region":
            return region_id(key)
        case "province":
            return province_id(key)
        case "account":
            return account_id(key)
        case "catalogue":
            year, _, region = key.partition("-")
            return catalogue_id(int(year), region or None)
    return UUID(key)


def entries_of(connection: Connection[Any], streams: Sequence[UUID]) -> list[Entry]:
    """Every archived event of these streams, and the audit service's own of them, in the order of a history."""
    archived = connection.execute(
        "SELECT recorded_at, source, position, type, state FROM audit_archive WHERE originator_id = ANY(%s)",
        (list(streams),),
        binary=True,
    ).fetchall()
    own = connection.execute(
        "SELECT 'audit', notification_id, topic, state FROM audit_events WHERE originator_id = ANY(%s)",
        (list(streams),),
        binary=True,
    ).fetchall()
    entries = [Entry(*row) for row in archived]
    entries += [Entry(decode(state).stamp.recorded_at, source, at, topic, state) for source, at, topic, state in own]
    return sorted(entries)


def context_of(connection: Connection[Any], parties: Parties, years: Iterable[int]) -> list[Entry]:
    """The region's, the parties' and the catalogues' events in the registry's log."""
    catalogues = [catalogue_id(year, region) for year in set(years) for region in (None, parties.region)]
    named = (region_id(parties.region), enterprise_id(parties.enterprise_uscc), provider_id(parties.provider_uscc))
    return [entry for entry in entries_of(connection, [*named, *catalogues]) if entry.source == "registry"]


def read_documents(entries: Iterable[Entry]) -> list[tuple[Entry, Document]]:
    """Those that read as events of the catalogue."""
    found = []
    for entry in entries:
        try:
            found.append((entry, decode(entry.state)))
        except UnreadableDocument:
            # archived as it came, and parked under an operator's name: the history shows it, no decision rests on it
            continue
    return found


def known(entries: Iterable[Entry]) -> list[Known]:
    return [
        Known(entry.source, entry.position, entry.type, stamp.recorded_at, stamp.business_day, stamp.seen, stamp.actor.id, event)
        for entry, (stamp, event) in read_documents(entries)
    ]
