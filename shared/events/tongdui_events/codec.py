"""Documents to bytes and back."""

from __future__ import annotations

import json

from pydantic import ValidationError

from tongdui_events.catalogue import event_class
from tongdui_events.document import Document, Event, Stamp

_read_stamp = Stamp.__pydantic_validator__.validate_json


class UnreadableDocument(ValueError):
    """The bytes are not a document of the catalogue: not JSON, a stamp or payload that does not
    validate."""


class UnknownEventType(UnreadableDocument):
    """A well-formed stamp whose type the catalogue does not know."""


def encode(document: Document) -> bytes:
    """The one serialisation of a document: stamp fields, then payload fields, UTF-8, no spaces."""
    stamp = document.stamp.__pydantic_serializer__.to_json(document.stamp, by_alias=True)
    payload = document.event.__pydantic_serializer__.to_json(document.event, by_alias=True)
    return stamp[:-1] + b"," + payload[1:] if len(payload) > 2 else stamp


def decode_stamp(state: bytes) -> Stamp:
    """The stamp alone, whatever the type.

    Raises UnreadableDocument when there is none.
    """
    try:
        return _read_stamp(state)
    except ValidationError as error:
        raise UnreadableDocument(str(error)) from error


def decode(state: bytes) -> Document:
    """The document. Raises UnreadableDocument, or UnknownEventType for a type unknown here."""
    stamp = decode_stamp(state)
    return Document(stamp, decode_event(stamp.source, stamp.type, state))


def decode_event(source: str, type_name: str, state: bytes) -> Event:
    """The payload alone of a document of the type named ``type_name``. Errors as in ``decode``."""
    cls = event_class(source, type_name)
    if cls is None:
        raise UnknownEventType(f"{source} publishes no {type_name} known here")
    try:
        return cls.__pydantic_validator__.validate_json(state)  # as model_validate_json, without its look at options
    except ValidationError as error:
        raise UnreadableDocument(str(error)) from error


def type_of(state: bytes) -> tuple[str, str]:
    """(source, type) of a document, or UnreadableDocument."""
    try:
        fields = json.loads(state)
        return str(fields["source"]), str(fields["type"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableDocument(str(error)) from error
