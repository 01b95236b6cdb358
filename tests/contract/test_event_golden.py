"""Golden documents and JSON Schemas: byte for byte what the code says."""

from __future__ import annotations

import json

import pytest
from tongdui_events import (
    CATALOGUE,
    UnknownEventType,
    UnreadableDocument,
    decode,
    decode_event,
    decode_stamp,
    encode,
    type_of,
)
from tongdui_events.schemas import PROJECT, differences, document_schema

KINDS = list(CATALOGUE)
every_kind = pytest.mark.parametrize("source, name", KINDS)


def golden(source: str, name: str) -> bytes:
    return (PROJECT / "golden" / f"{source}.{name}.json").read_bytes()


def test_the_checked_in_files_are_what_the_code_says() -> None:
    assert differences() == [], "python -m tongdui_events.schemas --write, and read the difference"


@every_kind
def test_a_golden_document_decoded_and_encoded_is_the_same_bytes(source: str, name: str) -> None:
    state = golden(source, name)
    document = decode(state)
    assert type(document.event) is CATALOGUE[source, name]
    assert (document.stamp.source, document.stamp.type) == type_of(state) == (source, name)
    assert encode(document) == state


@every_kind
def test_a_reader_tolerates_fields_it_does_not_know(source: str, name: str) -> None:
    fields = _with_unknown(json.loads(golden(source, name)))
    assert encode(decode(json.dumps(fields).encode())) == golden(source, name)


@every_kind
def test_a_document_without_its_optional_fields_is_read(source: str, name: str) -> None:
    required = document_schema(source, CATALOGUE[source, name])["required"]
    fields = {key: value for key, value in json.loads(golden(source, name)).items() if key in required}
    document = decode(json.dumps(fields).encode())
    assert decode(encode(document)) == document


@every_kind
def test_a_schema_describes_the_flat_document(source: str, name: str) -> None:
    schema = json.loads((PROJECT / "schemas" / f"{source}.{name}.json").read_text())
    document = json.loads(golden(source, name))
    assert list(schema["properties"]) == list(document)
    assert schema["properties"]["type"] == {"const": name}
    assert schema["properties"]["source"] == {"const": source}


def test_bytes_that_are_no_document_are_unreadable() -> None:
    for state in (b"", b"[]", b"{", b'{"source":"voucher"}', b"\xff\xfe"):
        with pytest.raises(UnreadableDocument):
            decode_stamp(state)
        with pytest.raises(UnreadableDocument):
            type_of(state)


def test_an_unknown_type_is_named_as_such() -> None:
    state = golden("voucher", "VoucherTendered").replace(b"VoucherTendered", b"VoucherFramed")
    assert decode_stamp(state).type == "VoucherFramed"
    with pytest.raises(UnknownEventType):
        decode(state)


def test_a_payload_that_does_not_fit_is_unreadable() -> None:
    state = golden("voucher", "HoldPlaced").replace(b'"amount_fen":2400000', b'"amount_fen":-1')
    with pytest.raises(UnreadableDocument):
        decode(state)
    with pytest.raises(UnreadableDocument):
        decode_event("voucher", "HoldPlaced", state)


def _with_unknown(value: object) -> object:
    """The same document with a field more in every object, maps by key excepted."""
    if isinstance(value, list):
        return [_with_unknown(item) for item in value]
    if not isinstance(value, dict):
        return value
    maps = {"seen", "ratio_bp", "item_ratio_bp", "positions"}
    grown = {key: item if key in maps else _with_unknown(item) for key, item in value.items()}
    return grown | {"a_field_of_tomorrow": {"nested": [1]}}
