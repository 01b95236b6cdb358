"""The settlement service."""

from __future__ import annotations

from services.settlement.api import ROUTES
from services.settlement.commands import FOLDS, HANDLERS
from services.settlement.reactions import REACTIONS, SWEEPS
from services.settlement.views import VIEWS
from shared.kernel import keyed_digest
from shared.runtime.service import Service
from shared.runtime.settings import Settings

keyed_digest.configure(Settings().digest_key.encode())

SERVICE = Service(
    name="settlement",
    folds=FOLDS,
    handlers=HANDLERS,
    reactions=REACTIONS,
    sweeps=SWEEPS,
    views=VIEWS,
    routes=ROUTES,
    listens=("registry", "voucher", "audit"),
)
