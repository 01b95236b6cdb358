"""The audit service."""

from __future__ import annotations

from services.audit.api import EXTRA, ROUTES
from services.audit.archive import TABLES, archive
from services.audit.commands import FOLDS, HANDLERS
from services.audit.comparing import TABLES as COMPARING_TABLES
from services.audit.comparing import compare_checkpoints
from services.audit.proofs import TABLES as PROOFS_TABLES
from services.audit.reactions import REACTIONS, SWEEPS
from services.audit.views import VIEWS
from services.audit.watch import PARTS
from shared.runtime.service import Service

SERVICE = Service(
    name="audit",
    folds=FOLDS,
    handlers=HANDLERS,
    reactions=REACTIONS,
    sweeps=SWEEPS,
    views=VIEWS,
    routes=ROUTES,
    listens=("registry", "voucher", "settlement"),
    extra=EXTRA,
    archive=archive,
    tables=(*TABLES, *COMPARING_TABLES, *PROOFS_TABLES),
    parts=(*PARTS, compare_checkpoints),
)
