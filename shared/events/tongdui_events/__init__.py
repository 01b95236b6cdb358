"""The events of Tongdui 通兑: their documents, their bytes, their catalogue and their streams.

This package depends on pydantic only. Import from here; the modules inside may be rearranged.
"""

# One name a line would be 450 lines nobody reads.
# fmt: off
from tongdui_events.audit import (
    CreditRecordEntered, CreditRecordRepaired, DrawnCase, EvidencePosition, FindingRecorded, InspectionClosed,
    InspectionOpened, InspectionStatementReceived, PartyNotified, SampleDrawn, SanctionDecided, SanctionLifted,
    SanctionProposed, SanctionReviewed, SanctionWithdrawn, SignalDismissed, SignalRaised, SignalTerms,
    SignalTermsSet, StatementReceived,
)
from tongdui_events.catalogue import CATALOGUE, event_class, event_types
from tongdui_events.codec import (
    UnknownEventType, UnreadableDocument, decode, decode_event, decode_stamp, encode, type_of,
)
from tongdui_events.common import (
    AccessRecorded, AppealDecided, AppealLodged, Channel, Count, DayReached, DivisionPrefix, Flag, Last4, Mode,
    NoticeClosed, NoticeCorrected, NoticeItem, NoticeItemDropped, NoticeKind, NoticeNumbered, NoticePublished,
    NoticeWithdrawn, Number, ObjectionDismissed, ObjectionRaised, ObjectionUpheld, Party, Place, Position,
    Province, ReactionRefused, RecusalRecorded, Step, Subject,
)
from tongdui_events.document import (
    Actor, BasisPoints, Code, Document, EndToEndId, Event, Fen, Frozen, Hmac, PositiveFen, RegionCode, Sha256,
    SignedFen, Source, Stamp, Text, Uscc, Year,
)
from tongdui_events.payments import (
    AgentAppointed, AgentReplaced, BankCode, BatchAnswered, BatchOpened, BatchReconciled, BatchReleased,
    FundingOrdered, FundingReceived, FundingReturned, OffsetLapsed, OffsetTaken, PayableBooked, PayableDropped,
    PayeeAccountConfirmed, PayeeAccountProposed, PayoutCancelled, PayoutFailed, PayoutFreed, PayoutHeld,
    PayoutInstructed, PayoutReturned, PayoutScheduled, PayoutSettled, PayoutUncertain, PositionFixed,
    PositionFunded, PositionReturned, PositionSettled, RecoveryBooked, StatementOverridden, StatementOverrideAsked, WindowClosed, WindowPosition,
    WindowSettled,
)
from tongdui_events.policy import Channels, MonthDay, PolicyAdopted, PolicyBasis, PolicyTerms, YearBasis
from tongdui_events.registry import (
    AffiliationDeclared, CalendarSet, CatalogueItem, CataloguePublished, CentreEntrusted, CentreReleased,
    CentreScope, DayOpened, DelegationEnded, DelegationGranted, EnterpriseBarred, EnterpriseDissolved,
    EnterpriseMoved, EnterpriseQualificationRevoked, EnterpriseQualified, EnterpriseRegistered,
    EnterpriseReinstated, EnterpriseRenamed, EnterpriseSucceeded, ListingTermsSet, ProviderApplied,
    ProviderDelisted, ProviderListed, ProviderPublished, ProviderRecommended, ProviderRefused, ProviderReinstated,
    ProviderRenamed, ProviderSuspended, QualificationBasis, QualificationRefused, QualificationRequested,
    ReachAssigned, RegionJoined, RegionLeft, RegionReachChanged, ServiceOffered, ServiceWithdrawn,
)
from tongdui_events.settlement import (
    ApprovalWithdrawn, ClawbackCancelled, ClawbackClosed, ClawbackOrdered, ClawbackProposed, DebtBooked,
    EvidenceDocument, Instalment, Invoice, InvoiceClaimed, InvoiceReleased, InvoiceReversed, OffsetDropped,
    OffsetPlanned, PaymentAdded, PaymentStopLifted, PaymentStopped, PerformedLine, PublicityPassed, Receipt,
    RecoveryRecorded, RecoverySought, RedemptionAdjusted, RedemptionApproved, RedemptionLapsed,
    RedemptionPassedOn, RedemptionPublished, RedemptionRejected, RedemptionRequested, RedemptionResubmitted,
    RedemptionReturned, RedemptionReviewed, RedemptionSettled, RedemptionUnpaid, RedemptionWithdrawn,
    ReviewOpened,
)
from tongdui_events.streams import (
    NAMESPACE, account_id, calendar_id, catalogue_id, ceiling_id, claim_id, days_id, debtor_id,
    enterprise_file_id, enterprise_id, invoice_id, notice_numbers_id, position_id, provider_id, province_id,
    reach_id, refusal_id, region_id, succession_id,
)
from tongdui_events.voucher import (
    AllocationConfirmed, AllocationCorrected, AllocationLine, AllocationRefused, ApplicationRefused, CeilingKind,
    CeilingSet, ClaimReleased, ConsumptionReversed, ContractAcknowledged, ContractAmended, ContractClaimed,
    ContractDisputed, ContractFiled, ContractLine, ContractSubmitted, ContractUnfiled, FiledItem, HoldConsumed, HoldPlaced,
    HoldReduced, HoldReleased, HoldTaken, HoldsCarriedOver, LocalSupportMatched, LocalSupportRecorded,
    PerformanceAllowed, PresentationEnded, PresentationRefused, ProviderChanged, SuccessionNoted,
    SupplementAllowed, SupplementRefused, VoucherApplied, VoucherCollected, VoucherExpired, VoucherExtended,
    VoucherIssued, VoucherPassedOn, VoucherPresented, VoucherRedeemed, VoucherReinstated, VoucherTendered,
    VoucherVoided, VoucherWithdrawn,
)

__all__ = [
    "AccessRecorded", "Actor", "AffiliationDeclared", "AgentAppointed", "AgentReplaced", "AllocationConfirmed",
    "AllocationCorrected", "AllocationLine", "AllocationRefused", "AppealDecided", "AppealLodged",
    "ApplicationRefused", "ApprovalWithdrawn", "BankCode", "BasisPoints", "BatchAnswered", "BatchOpened",
    "BatchReconciled", "BatchReleased", "CATALOGUE", "CalendarSet", "CatalogueItem", "CataloguePublished",
    "CeilingKind", "CeilingSet", "CentreEntrusted", "CentreReleased", "CentreScope", "Channel", "Channels",
    "ClaimReleased", "ClawbackCancelled", "ClawbackClosed", "ClawbackOrdered", "ClawbackProposed", "Code",
    "ConsumptionReversed", "ContractAcknowledged", "ContractAmended", "ContractClaimed", "ContractDisputed",
    "ContractFiled", "ContractLine", "ContractSubmitted", "ContractUnfiled", "Count", "CreditRecordEntered", "CreditRecordRepaired",
    "DayOpened", "DayReached", "DebtBooked", "DelegationEnded", "DelegationGranted", "DivisionPrefix", "Document",
    "DrawnCase", "EndToEndId", "EnterpriseBarred", "EnterpriseDissolved", "EnterpriseMoved",
    "EnterpriseQualificationRevoked", "EnterpriseQualified", "EnterpriseRegistered", "EnterpriseReinstated",
    "EnterpriseRenamed", "EnterpriseSucceeded", "Event", "EvidenceDocument", "EvidencePosition", "Fen", "FiledItem",
    "FindingRecorded", "Flag", "Frozen", "FundingOrdered", "FundingReceived", "FundingReturned", "Hmac", "HoldConsumed", "HoldPlaced",
    "HoldReduced", "HoldReleased", "HoldTaken", "HoldsCarriedOver", "InspectionClosed", "InspectionOpened",
    "InspectionStatementReceived", "Instalment", "Invoice", "InvoiceClaimed", "InvoiceReleased", "InvoiceReversed",
    "Last4", "ListingTermsSet", "LocalSupportMatched", "LocalSupportRecorded", "Mode", "MonthDay", "NAMESPACE",
    "NoticeClosed", "NoticeCorrected", "NoticeItem", "NoticeItemDropped", "NoticeKind", "NoticeNumbered",
    "NoticePublished", "NoticeWithdrawn", "Number", "ObjectionDismissed", "ObjectionRaised", "ObjectionUpheld",
    "OffsetDropped", "OffsetLapsed", "OffsetPlanned", "OffsetTaken", "Party", "PartyNotified", "PayableBooked",
    "PayableDropped", "PayeeAccountConfirmed", "PayeeAccountProposed", "PaymentAdded", "PaymentStopLifted",
    "PaymentStopped", "PayoutCancelled", "PayoutFailed", "PayoutFreed", "PayoutHeld", "PayoutInstructed",
    "PayoutReturned", "PayoutScheduled", "PayoutSettled", "PayoutUncertain", "PerformanceAllowed", "PerformedLine",
    "Place", "PolicyAdopted", "PolicyBasis", "PolicyTerms", "Position", "PositionFixed", "PositionFunded", "PositionReturned",
    "PositionSettled", "PositiveFen", "PresentationEnded", "PresentationRefused", "ProviderApplied",
    "ProviderChanged", "ProviderDelisted", "ProviderListed", "ProviderPublished", "ProviderRecommended",
    "ProviderRefused", "ProviderReinstated", "ProviderRenamed", "ProviderSuspended", "Province", "PublicityPassed",
    "QualificationBasis", "QualificationRefused", "QualificationRequested", "ReachAssigned", "ReactionRefused",
    "Receipt", "RecoveryBooked", "RecoveryRecorded", "RecoverySought", "RecusalRecorded", "RedemptionAdjusted",
    "RedemptionApproved", "RedemptionLapsed", "RedemptionPassedOn", "RedemptionPublished", "RedemptionRejected",
    "RedemptionRequested", "RedemptionResubmitted", "RedemptionReturned", "RedemptionReviewed", "RedemptionSettled",
    "RedemptionUnpaid", "RedemptionWithdrawn", "RegionCode", "RegionJoined", "RegionLeft", "RegionReachChanged",
    "ReviewOpened", "SampleDrawn", "SanctionDecided", "SanctionLifted", "SanctionProposed", "SanctionReviewed",
    "SanctionWithdrawn", "ServiceOffered", "ServiceWithdrawn", "Sha256", "SignalDismissed", "SignalRaised",
    "SignalTerms", "SignalTermsSet", "SignedFen", "Source", "Stamp", "StatementOverridden", "StatementOverrideAsked", "StatementReceived",
    "Step", "Subject", "SuccessionNoted", "SupplementAllowed", "SupplementRefused", "Text", "UnknownEventType",
    "UnreadableDocument", "Uscc", "VoucherApplied", "VoucherCollected", "VoucherExpired", "VoucherExtended",
    "VoucherIssued", "VoucherPassedOn", "VoucherPresented", "VoucherRedeemed", "VoucherReinstated", "VoucherTendered",
    "VoucherVoided", "VoucherWithdrawn", "WindowClosed", "WindowPosition", "WindowSettled", "Year", "YearBasis",
    "account_id", "calendar_id", "catalogue_id", "ceiling_id", "claim_id", "days_id", "debtor_id", "decode",
    "decode_event", "decode_stamp", "encode", "enterprise_file_id", "enterprise_id", "event_class", "event_types",
    "invoice_id", "notice_numbers_id", "position_id", "provider_id", "province_id", "reach_id", "refusal_id", "region_id",
    "succession_id", "type_of",
]
