"""Signed notes: our own, one made by another implementation, and forgeries."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.runtime.checkpoints import (
    BadCheckpoint,
    Checkpoint,
    NoSigningKey,
    Signer,
    VerifierKey,
    parse,
    signer_of,
    verified_text,
    verify,
)
from shared.runtime.settings import Settings

ROOT = bytes(range(32))
CHECKPOINT = Checkpoint("tongdui/voucher", 20852163, ROOT)


@pytest.fixture
def signer() -> Signer:
    return Signer("tongdui/voucher", Ed25519PrivateKey.generate())


def test_a_checkpoint_is_three_lines_a_blank_one_and_a_signature(signer: Signer) -> None:
    lines = signer.sign(CHECKPOINT).split("\n")
    assert lines[:4] == ["tongdui/voucher", "20852163", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""]
    assert lines[4].startswith("— tongdui/voucher ")
    assert lines[5:] == [""]


def test_a_signed_checkpoint_verifies(signer: Signer) -> None:
    assert verify(signer.sign(CHECKPOINT), signer.verifier) == CHECKPOINT


def test_a_witness_adds_a_line_and_both_verify(signer: Signer) -> None:
    witness = Signer("witness.example/delta", Ed25519PrivateKey.generate())
    note = signer.sign(CHECKPOINT) + witness.signature_line(CHECKPOINT)
    assert verify(note, signer.verifier) == verify(note, witness.verifier) == CHECKPOINT


def test_a_note_signed_by_the_reference_implementation_verifies() -> None:
    """Text, key and signature from the documentation of Go's package ``note``."""
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = (
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert verified_text(f"{text}\n{line}\n", key) == text


def test_a_verifier_key_survives_its_text(signer: Signer) -> None:
    assert VerifierKey.parse(signer.verifier.text) == signer.verifier


@pytest.mark.parametrize(
    "text",
    ["", "a+b", "name+00000000+AQ==", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"],
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        VerifierKey.parse(text)


def test_a_changed_size_root_or_name_is_found(signer: Signer) -> None:
    note = signer.sign(CHECKPOINT)
    for old, new in (("20852163", "20852164"), ("AAECAw", "BAECAw"), ("tongdui/voucher\n2", "tongdui/audit\n2")):
        with pytest.raises(BadCheckpoint):
            verify(note.replace(old, new), signer.verifier)


def test_another_key_did_not_sign(signer: Signer) -> None:
    other = Signer("tongdui/voucher", Ed25519PrivateKey.generate())
    with pytest.raises(BadCheckpoint, match="not signed by"):
        verify(signer.sign(CHECKPOINT), other.verifier)


@pytest.mark.parametrize(
    "text",
    ["", "o\n1\n", "o\n01\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n", "o\n1\nAAEC\n\n", "\n1\nAAEC\n\n"],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        parse(text)


def test_development_generates_a_key_once_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path)
    first, second = signer_of(settings, "voucher"), signer_of(settings, "voucher")
    assert first.verifier == second.verifier
    assert first.name == "tongdui/voucher"
    kept = list((tmp_path / "checkpoint-keys").iterdir())
    assert [path.name for path in kept] == ["voucher.pem"]
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600


def test_production_refuses_to_generate_a_key(tmp_path: Path) -> None:
    with pytest.raises(NoSigningKey):
        signer_of(Settings(state_dir=tmp_path, environment="production"), "voucher")


def test_a_given_folder_without_a_readable_key_is_refused(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, checkpoint_keys=tmp_path)
    with pytest.raises(NoSigningKey):
        signer_of(settings, "voucher")
    (tmp_path / "voucher.pem").write_text("not a key")
    with pytest.raises(NoSigningKey):
        signer_of(settings, "voucher")
