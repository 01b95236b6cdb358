"""What the settlement service publishes about accounts, payouts, batches, agents and windows."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from tongdui_events.common import Channel, Count, Last4, Number
from tongdui_events.document import Code, EndToEndId, Fen, Frozen, Hmac, RegionCode, Sha256, Text, Uscc
from tongdui_events.settlement import SettlementEvent

BankCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
"""行号: the 12 digits of a bank."""


class WindowPosition(Frozen):
    """What one region owes and got back in one window."""

    payable_fen: Fen
    recovered_fen: Fen


class PayeeAccountProposed(SettlementEvent):
    """A payee names its account, by keyed digest and last four characters."""

    uscc: Uscc
    account_hmac: Hmac
    last4: Last4
    bank_code: BankCode


class PayeeAccountConfirmed(SettlementEvent):
    """Another person confirmed the account."""

    uscc: Uscc
    account_hmac: Hmac
    last4: Last4
    bank_code: BankCode


class PayoutScheduled(SettlementEvent):
    """One payment is due. ``amount_fen`` is what the bank or treasury is told; 0 means a full
    offset, never instructed."""

    payout_id: UUID
    redemption_id: UUID
    voucher_id: UUID
    region: RegionCode
    payee_uscc: Uscc
    amount_fen: Fen
    offset_fen: Fen
    offset_clawback_id: UUID | None = None
    channel: Channel
    account_hmac: Hmac
    last4: Last4


class OffsetTaken(SettlementEvent):
    """The offset of a payment is complete, with the redemption's settlement in one transaction."""

    payout_id: UUID
    redemption_id: UUID
    clawback_id: UUID
    amount_fen: Fen


class OffsetLapsed(SettlementEvent):
    """The offset of a payment fell away before it was complete; its sum is paid by another payment."""

    payout_id: UUID
    clawback_id: UUID
    amount_fen: Fen
    reason: Code


class PayoutHeld(SettlementEvent):
    """A payment not yet instructed waits."""

    payout_id: UUID
    reason: Code


class PayoutFreed(SettlementEvent):
    """A payment no longer waits for that reason."""

    payout_id: UUID
    reason: Code


class PayoutCancelled(SettlementEvent):
    """A payment will not be made."""

    payout_id: UUID
    reason: Code


class PayoutInstructed(SettlementEvent):
    """One attempt, under an end-to-end id of its own; with its BatchReleased in one transaction."""

    payout_id: UUID
    batch_id: UUID
    end_to_end_id: EndToEndId
    attempt: Number
    amount_fen: Fen
    account_hmac: Hmac
    last4: Last4
    line_no: Number | None = None
    payee_uscc: Uscc | None = None
    payee_name: Text | None = None
    bank_code: BankCode | None = None


class PayoutSettled(SettlementEvent):
    """The bank or treasury paid."""

    payout_id: UUID
    redemption_id: UUID
    end_to_end_id: EndToEndId
    amount_fen: Fen
    settled_on: date
    reference: Code | None = None


class PayoutFailed(SettlementEvent):
    """The bank or treasury did not pay."""

    payout_id: UUID
    end_to_end_id: EndToEndId
    reason_code: Code


class PayoutUncertain(SettlementEvent):
    """Nobody knows whether the attempt was paid."""

    payout_id: UUID
    end_to_end_id: EndToEndId


class PayoutReturned(SettlementEvent):
    """A payment made came back."""

    payout_id: UUID
    redemption_id: UUID
    end_to_end_id: EndToEndId
    reason_code: Code
    amount_fen: Fen
    returned_on: date


class BatchOpened(SettlementEvent):
    """A payment file or list is being gathered; ``payer`` is a region or an agent."""

    batch_id: UUID
    payer: Code
    channel: Channel


class BatchReleased(SettlementEvent):
    """A payment file or list went out."""

    batch_id: UUID
    message_id: EndToEndId
    file_sha256: Sha256
    count: Count
    total_fen: Fen


class BatchAnswered(SettlementEvent):
    """An answer to a batch came; how many payments it accepts and rejects."""

    batch_id: UUID
    file_sha256: Sha256
    status: Code
    accepted: Count
    rejected: Count


class BatchReconciled(SettlementEvent):
    """Every payment of a batch has its last word."""

    batch_id: UUID
    settled_fen: Fen
    failed_fen: Fen


class StatementOverrideAsked(SettlementEvent):
    """One person would accept an account statement that was refused whole; another has to."""

    statement_sha256: Sha256
    agent_id: UUID
    reason: Code


class StatementOverridden(SettlementEvent):
    """Several persons accept an account statement that does not add up."""

    statement_sha256: Sha256
    by: tuple[Code, ...]
    reason: Code


class AgentAppointed(SettlementEvent):
    """A settlement agent pays for regions from a day on."""

    agent_id: UUID
    name: Text
    regions: tuple[RegionCode, ...]
    from_on: date


class AgentReplaced(SettlementEvent):
    """Another agent takes over; ``by`` is its agent_id."""

    agent_id: UUID
    by: UUID
    on: date


class WindowClosed(SettlementEvent):
    """A period is over, and with it what each region owes and got back."""

    window_id: UUID
    opens_on: date
    closes_on: date
    positions: dict[RegionCode, WindowPosition] = Field(default_factory=dict)
    agent_id: UUID | None = None


class PayableBooked(SettlementEvent):
    """A payment the agent is to make waits for its region's window to close."""

    region: RegionCode
    payout_id: UUID
    amount_fen: Fen


class PayableDropped(SettlementEvent):
    """A payment the agent was to make will not be made."""

    region: RegionCode
    payout_id: UUID


class RecoveryBooked(SettlementEvent):
    """Money that came back waits for its region's window to close."""

    region: RegionCode
    clawback_id: UUID
    amount_fen: Fen


class PositionFixed(SettlementEvent):
    """What one region owes and got back by a last day is of a window; ``asked_fen`` is what it is to send."""

    region: RegionCode
    window_id: UUID
    closes_on: date
    payable_fen: Fen
    recovered_fen: Fen
    asked_fen: Fen


class PositionFunded(SettlementEvent):
    """A region has sent all that a window asked of it."""

    region: RegionCode
    window_id: UUID


class PositionSettled(SettlementEvent):
    """Everything a window had of a region is paid or given up."""

    region: RegionCode
    window_id: UUID


class FundingOrdered(SettlementEvent):
    """A region is asked for the money of a window."""

    window_id: UUID
    region: RegionCode
    amount_fen: Fen


class FundingReceived(SettlementEvent):
    """A region's money of a window came."""

    window_id: UUID
    region: RegionCode
    amount_fen: Fen
    received_on: date
    reference: Code


class FundingReturned(SettlementEvent):
    """A replaced agent gave back what it did not pay out of a window; ``payout_ids`` are paid by its successor."""

    window_id: UUID
    region: RegionCode
    amount_fen: Fen
    returned_on: date
    reference: Code
    payout_ids: tuple[UUID, ...] = ()


class PositionReturned(SettlementEvent):
    """A region has nothing in a window of a replaced agent any more: these payments wait for the next one."""

    region: RegionCode
    window_id: UUID
    payout_ids: tuple[UUID, ...] = ()


class WindowSettled(SettlementEvent):
    """A window is fully funded and paid."""

    window_id: UUID
