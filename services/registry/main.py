"""The registry, wired: regions and their terms, catalogues, enterprises, providers, days."""

from __future__ import annotations

from services.registry.api import EXTRA, ROUTES
from services.registry.commands import FOLDS, HANDLERS
from services.registry.domain.days import OpenDay
from services.registry.reactions import REACTIONS, SWEEPS
from services.registry.views import VIEWS
from shared.runtime.service import Service

SERVICE = Service(
    name="registry",
    folds=FOLDS,
    handlers=HANDLERS,
    reactions=REACTIONS,
    sweeps=SWEEPS,
    views=VIEWS,
    routes=ROUTES,
    listens=("audit",),
    extra=EXTRA,
    open_day=lambda day: OpenDay(date=day),
)
