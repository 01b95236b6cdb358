"""The settlement service, wired: redemptions, public notices, payments."""

from __future__ import annotations

from services.settlement.api import EXTRA, ROUTES
from services.settlement.bank.desk import BANK
from services.settlement.commands import FOLDS, HANDLERS
from services.settlement.domain.invoice_status import REGISTERS
from services.settlement.invoice_register import InvoiceSettings, register_of
from services.settlement.reactions import REACTIONS, STAND_IN, SWEEPS
from services.settlement.views import VIEWS
from shared.kernel import keyed_digest
from shared.runtime.service import Service
from shared.runtime.settings import Settings

_settings = Settings()
keyed_digest.configure(_settings.digest_key.encode())
REGISTERS.status = register_of(InvoiceSettings())

SERVICE = Service(
    name="settlement",
    folds=FOLDS,
    handlers=HANDLERS,
    reactions=REACTIONS,
    sweeps=[*SWEEPS, *(STAND_IN if _settings.environment == "development" and not BANK.payers else [])],
    views=VIEWS,
    routes=ROUTES,
    listens=("registry", "voucher", "audit"),
    extra=EXTRA,
)
