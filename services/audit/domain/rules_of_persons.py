"""Rules about who stands behind a case: related parties, new companies, officers who always act together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tongdui_events.audit import SignalTerms
from tongdui_events.registry import AffiliationDeclared
from tongdui_events.settlement import RedemptionApproved, RedemptionReviewed
from tongdui_events.voucher import ProviderChanged, VoucherApplied, VoucherIssued

from services.audit.domain.known_facts import Known, Together
from services.audit.domain.remembered import UntilTold
from services.audit.domain.signals import Seen, Signal, signal

At = tuple[str, int]


class RelatedParties:
    """关联交易: the two parties of a case share a controller or holder, an address or a phone."""

    name = "related_parties"
    types: tuple[Any, ...] = (VoucherIssued, ProviderChanged, AffiliationDeclared)

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event = seen.event
        if isinstance(event, AffiliationDeclared):
            for case in known.cases_with(event.uscc):
                yield from self._case(case, known)
        elif event.voucher_id in known.cases:
            yield from self._case(known.together(event.voucher_id), known)

    def _case(self, case: Together, known: Known) -> Iterator[Signal]:
        pair = case.enterprise_uscc, case.provider_uscc
        enterprise, provider = (known.affiliations.get(uscc) for uscc in pair)
        if enterprise and provider and enterprise.links & provider.links:
            evidence = (enterprise.at, provider.at, case.issued_at)
            yield signal(self.name, "pair", "/".join(pair), pair, evidence, [case.voucher_id])


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


class Approved:
    """What one reviewer let through in a region and year, and by whom it was approved."""

    def __init__(self) -> None:
        self.cases: list[tuple[At, UUID]] = []
        self.by: set[str] = set()


class SamePersonsAlways:
    """固定经办: everything a reviewer lets through in a year is approved by the same person."""

    name = "same_persons_always"
    types: tuple[Any, ...] = (RedemptionReviewed, RedemptionApproved)

    def __init__(self) -> None:
        self._reviewer: dict[UUID, str] = {}
        self._approved: UntilTold[tuple[str, str], Approved] = UntilTold(Approved)

    def see(self, seen: Seen, known: Known, terms: SignalTerms) -> Iterator[Signal]:
        event = seen.event
        if isinstance(event, RedemptionReviewed):
            self._reviewer[event.redemption_id] = seen.actor_id
            return
        reviewer, approver = self._reviewer.get(event.redemption_id), seen.actor_id
        if reviewer is None:
            return
        key = event.region, reviewer
        approved = self._approved.of(seen.day.year, key)
        if approved is None:
            return
        approved.cases.append((seen.at, event.voucher_id))
        approved.by.add(approver)
        if len(approved.by) > 1:
            # never again in this year the same person always
            self._approved.tell(key)
        elif len(approved.cases) >= terms.same_persons_cases:
            self._approved.tell(key)
            # the key has a limit of length, opaque ids of persons have their own
            persons = hashlib.sha256(f"{reviewer}\0{approver}".encode()).hexdigest()[:32]
            cause = (event.region, seen.day.year, persons)
            evidence, cases = zip(*approved.cases, strict=True)
            yield signal(self.name, "region", event.region, cause, evidence, cases)
