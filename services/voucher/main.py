"""The voucher service."""

from __future__ import annotations

from services.voucher.api import EXTRA, ROUTES
from services.voucher.commands import FOLDS, HANDLERS
from services.voucher.reactions import REACTIONS, SWEEPS
from services.voucher.views import VIEWS
from shared.runtime.service import Service

SERVICE = Service(
    name="voucher",
    folds=FOLDS,
    handlers=HANDLERS,
    reactions=REACTIONS,
    sweeps=SWEEPS,
    views=VIEWS,
    routes=ROUTES,
    listens=("registry", "settlement"),
    extra=EXTRA,
)
