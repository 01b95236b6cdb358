"""Rules about who stands behind a case: related parties, new companies, officers who always act together."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tongdui_events.audit import SignalTerms
from tongdui_events.registry import AffiliationDeclared
from tongdui_events.settlement import RedemptionApproved, RedemptionReviewed
from tongdui_events.voucher import ProviderChanged, VoucherApplied, VoucherIssued

from services.audit.domain.known_facts import Known
from services.audit.domain.signals import Seen, Signal, signal

At = tuple[str, int]


class RelatedParties:
    """关联交易: the two parties of a case share a controller or holder, an address or a phone."""

    name = "related_parties"
    types: tuple[Any, ...] = (VoucherIssued, ProviderChanged, AffiliationDeclared)

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event = seen.event
        cases = known.cases_of[event.uscc] if isinstance(event, AffiliationDeclared) else {event.voucher_id}
        for voucher_id in sorted(cases):
            if voucher_id in known.cases:
                yield from self._case(voucher_id, known)

    def _case(self, voucher_id: UUID, known: Known) -> Iterator[Signal]:
        case = known.cases[voucher_id]
        pair = case.enterprise_uscc, case.provider_uscc
        enterprise, provider = (known.affiliations.get(uscc) for uscc in pair)
        if enterprise and provider and enterprise.links & provider.links:
            evidence = (enterprise.at, provider.at, case.issued_at)
            yield signal(self.name, "pair", "/".join(pair), pair, evidence, [voucher_id])


class NewCompany:
    """新设即领: a company that applies within days of its registration."""

    name = "new_company"
    types: tuple[Any, ...] = (VoucherApplied,)

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event: VoucherApplied = seen.event
        registered = known.registered.get(event.enterprise_uscc)
        if registered and (seen.day - registered[0]).days < terms.new_company_days:
            uscc = event.enterprise_uscc
            yield signal(self.name, "enterprise", uscc, (uscc,), (registered[1], seen.at), [event.voucher_id])


class SamePersonsAlways:
    """固定经办: everything a reviewer lets through in a year is approved by the same person."""

    name = "same_persons_always"
    types: tuple[Any, ...] = (RedemptionReviewed, RedemptionApproved)

    def __init__(self) -> None:
        self._reviewer: dict[UUID, str] = {}
        self._approved: dict[tuple[str, str, int], list[tuple[str, At, UUID]]] = defaultdict(list)

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event = seen.event
        if isinstance(event, RedemptionReviewed):
            self._reviewer[event.redemption_id] = seen.stamp.actor.id
            return
        reviewer, approver = self._reviewer.get(event.redemption_id), seen.stamp.actor.id
        if reviewer is None:
            return
        approved = self._approved[event.region, reviewer, seen.day.year]
        approved.append((approver, seen.at, event.voucher_id))
        if len(approved) >= terms.same_persons_cases and {person for person, *_ in approved} == {approver}:
            # the key has a limit of length, opaque ids of persons have their own
            persons = hashlib.sha256(f"{reviewer}\0{approver}".encode()).hexdigest()[:32]
            cause = (event.region, seen.day.year, persons)
            yield signal(self.name, "region", event.region, cause, [a for _, a, _ in approved], [v for *_, v in approved])
