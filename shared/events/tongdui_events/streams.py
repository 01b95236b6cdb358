"""Natural ids: the streams whose id follows from what they are about (uuid5, RFC 9562)."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID, uuid5

NAMESPACE = UUID("6d1f7a52-5b0e-5c1b-9a3f-2f6d6f6e6764")


# for what comes again and again (days, regions, parties): a miss costs 4 µs, 65,536 of them kept 28 MiB
@lru_cache(maxsize=8_192)
def _stream(*parts: object) -> UUID:
    return uuid5(NAMESPACE, "/".join(str(part) for part in parts))


def days_id(source: str) -> UUID:
    """The stream of one service's days: DayOpened (registry), DayReached (the others)."""
    return _stream("days", source)


def calendar_id(year: int) -> UUID:
    """CalendarSet of one year."""
    return _stream("calendar", year)


def region_id(region: str) -> UUID:
    """Region*, PolicyAdopted, Centre* of one region."""
    return _stream("region", region)


def reach_id(prefix: str) -> UUID:
    """ReachAssigned of one division prefix."""
    return _stream("reach", prefix)


def province_id(province: str) -> UUID:
    """ListingTermsSet of one province."""
    return _stream("province", province)


def catalogue_id(year: int, region: str | None = None) -> UUID:
    """CataloguePublished of one year, for all regions or for one."""
    return _stream("catalogue", year, region or "*")


def enterprise_id(uscc: str) -> UUID:
    """Enterprise*, Qualification*, AffiliationDeclared of one enterprise."""
    return _stream("enterprise", uscc)


def enterprise_file_id(uscc: str) -> UUID:
    """ContractFiled, ContractUnfiled, LocalSupportRecorded of one enterprise."""
    return _stream("enterprise-file", uscc)


def succession_id(uscc: str) -> UUID:
    """SuccessionNoted of one enterprise that another succeeded."""
    return _stream("succession", uscc)


def provider_id(uscc: str) -> UUID:
    """Provider*, Service* of one provider."""
    return _stream("provider", uscc)


def ceiling_id(kind: str, key: str, year: int) -> UUID:
    """CeilingSet, Hold*, ConsumptionReversed of one ceiling."""
    return _stream("ceiling", kind, key, year)


def claim_id(fingerprint: str) -> UUID:
    """ContractClaimed, ClaimReleased of one contract line."""
    return _stream("claim", fingerprint)


def invoice_id(number: str) -> UUID:
    """InvoiceClaimed, InvoiceReleased, InvoiceReversed of one normalised invoice number."""
    return _stream("invoice", number)


def account_id(uscc: str) -> UUID:
    """PayeeAccountProposed, PayeeAccountConfirmed of one payee."""
    return _stream("account", uscc)


def debtor_id(region: str, uscc: str) -> UUID:
    """DebtBooked of one debtor in one paying region."""
    return _stream("debtor", region, uscc)


def position_id(region: str) -> UUID:
    """PayableBooked, RecoveryBooked, Position* of one paying region."""
    return _stream("position", region)


def statement_id(agent_id: UUID, statement_sha256: str) -> UUID:
    """Statement* of one file of an agent's bank."""
    return _stream("statement", agent_id, statement_sha256)


def notice_numbers_id(source: str, year: int) -> UUID:
    """NoticeNumbered of one service and year."""
    return _stream("notice-numbers", source, year)


def refusal_id(source: str, from_source: str, from_position: int) -> UUID:
    """ReactionRefused of one service about one event of another."""
    return _stream("refusal", source, from_source, from_position)
