"""Every event type, by the service that publishes it and its name on the bus.

Names are stable: a class may move to another module, its name may not change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType, ModuleType

from tongdui_events import audit, common, payments, policy, registry, settlement, voucher
from tongdui_events.document import Event

_MODULES: tuple[ModuleType, ...] = (common, policy, registry, voucher, settlement, payments, audit)


def _collect() -> dict[tuple[str, str], type[Event]]:
    found: dict[tuple[str, str], type[Event]] = {}
    for module in _MODULES:
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, Event) and not name.startswith("_"):
                found.update({(source, name): value for source in value.SOURCES if value.model_fields})
    return dict(sorted(found.items()))


CATALOGUE: Mapping[tuple[str, str], type[Event]] = MappingProxyType(_collect())
"""(source, type) → class, sorted."""


def event_class(source: str, type_name: str) -> type[Event] | None:
    """The class of the events named ``type_name`` that ``source`` publishes, or None."""
    return CATALOGUE.get((source, type_name))


def event_types() -> Iterator[tuple[str, str]]:
    """Every (source, type), sorted."""
    return iter(CATALOGUE)


__all__ = ["CATALOGUE", "event_class", "event_types"]
