"""Who calls: tokens that are accepted and tokens that are not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, KeySet, OctKey, OKPKey, RSAKey

from shared.kernel.commands import Principal
from shared.runtime.access import Access
from shared.runtime.problems import RoleNotAllowed, TokenInvalid, TokenMissing
from shared.runtime.settings import Settings
from shared.runtime.tokens import issue

pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")

USCC = "91310000MA1FL0000X"
NOW = 1_780_000_000
ED25519 = OKPKey.generate_key("Ed25519", {"kid": "ed"})
P256 = ECKey.generate_key("P-256", {"kid": "p256"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
with warnings.catch_warnings():
    warnings.simplefilter("ignore", SecurityWarning)
    SHORT_RSA = RSAKey.generate_key(1024, {"kid": "short"})
P384 = ECKey.generate_key("P-384", {"kid": "p384"})
SECRET = OctKey.generate_key(256, {"kid": "secret"})
CLAIMS: dict[str, Any] = {
    "iss": "tongdui", "aud": "tongdui", "sub": "person-1", "role": "enterprise", "uscc": USCC,
    "iat": NOW - 5, "nbf": NOW - 5, "exp": NOW + 600,
}


def signed(key: Key, alg: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
    payload = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    whole = {"alg": alg, "kid": key.kid, **(header or {})}
    token = jwt.encode({name: value for name, value in whole.items() if value is not None}, payload, key, [alg])
    return f"Bearer {token}"


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(KeySet([ED25519, P256, RSA, SHORT_RSA, P384, SECRET]).as_dict(private=False)
                               | {"comment": "members of other systems are passed over"}))
    return path


@pytest.fixture
def clock() -> list[float]:
    return [float(NOW)]


@pytest.fixture
def access(jwks: Path, clock: list[float]) -> Access:
    return Access(Settings(jwks=str(jwks)), now=lambda: clock[0])


async def refused(access: Access, authorization: str | None) -> str:
    with pytest.raises(TokenInvalid) as caught:
        await access.principal(authorization)
    return str(caught.value.details["reason"])


@pytest.mark.parametrize(("key", "alg"), [(ED25519, "Ed25519"), (ED25519, "EdDSA"), (P256, "ES256"), (RSA, "RS256")])
async def test_a_token_says_who_calls(access: Access, key: Key, alg: str) -> None:
    said = signed(key, alg, region="310118")
    expected = Principal(sub="person-1", role="enterprise", region="310118", uscc=USCC)
    assert await access.principal(said) == expected
    assert await access.principal(said) == expected


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz"])
async def test_no_token_is_not_the_same_as_a_bad_one(access: Access, authorization: str | None) -> None:
    with pytest.raises(TokenMissing):
        await access.principal(authorization)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "another"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"aud": []},
        {"exp": NOW - 60}, {"exp": None}, {"exp": "soon"}, {"nbf": NOW + 60}, {"iat": NOW + 60},
        {"sub": None}, {"sub": ""}, {"sub": 7}, {"role": None}, {"role": "service"}, {"role": "root"},
        {"role": ["operator"]}, {"uscc": None}, {"uscc": "91310000"}, {"region": "31-118"}, {"member_of": "x"},
        {"role": "regional_officer"}, {"role": "regional_officer", "region": "31"},
        {"role": "provincial_officer", "region": "310118"}, {"role": "centre"}, {"role": "agent"},
    ],
)
async def test_a_token_with_claims_that_do_not_do_is_refused(access: Access, claims: dict[str, Any]) -> None:
    assert await refused(access, signed(ED25519, "Ed25519", **claims))


async def test_an_audience_may_be_one_of_several(access: Access) -> None:
    assert await access.principal(signed(ED25519, "Ed25519", aud=["portal", "tongdui"]))


async def test_a_remembered_token_ends_when_it_ends(access: Access, clock: list[float]) -> None:
    said = signed(ED25519, "Ed25519")
    await access.principal(said)
    clock[0] = NOW + 599.0
    await access.principal(said)
    clock[0] = NOW + 611.0
    await refused(access, said)


@pytest.mark.parametrize(
    ("key", "alg"),
    [(SECRET, "HS256"), (SHORT_RSA, "RS256"), (P384, "ES384"), (RSA, "PS256"), (RSA, "RS512")],
)
async def test_other_algorithms_and_weak_keys_are_refused(access: Access, key: Key, alg: str) -> None:
    await refused(access, signed(key, alg))


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _with_header(header: dict[str, Any]) -> str:
    """``header.payload`` of an otherwise good token."""
    _, payload, _ = signed(ED25519, "Ed25519").removeprefix("Bearer ").split(".")
    return f"{_encoded(json.dumps(header).encode())}.{payload}"


async def test_an_unsigned_token_is_refused(access: Access) -> None:
    for header in ({"alg": "none"}, {"alg": "none", "kid": "ed"}, {"alg": "None", "kid": "ed"}):
        for signature in ("", "AAAA"):
            await refused(access, f"Bearer {_with_header(header)}.{signature}")


async def test_a_public_key_is_never_taken_for_a_shared_secret(access: Access) -> None:
    unsigned = _with_header({"alg": "HS256", "kid": "rsa"})
    forged = hmac.new(RSA.as_pem(private=False), unsigned.encode(), hashlib.sha256).digest()
    await refused(access, f"Bearer {unsigned}.{_encoded(forged)}")


async def test_the_key_decides_the_algorithm_and_not_the_token(access: Access) -> None:
    await refused(access, signed(ED25519, "Ed25519", {"kid": "rsa"}))
    await refused(access, signed(RSA, "RS256", {"kid": "ed"}))


async def test_an_unknown_key_or_none_among_several_is_refused(access: Access) -> None:
    await refused(access, signed(OKPKey.generate_key("Ed25519", {"kid": "stranger"}), "Ed25519"))
    await refused(access, signed(ED25519, "Ed25519", {"kid": None}))


async def test_a_key_in_the_token_is_not_believed(access: Access) -> None:
    stranger = OKPKey.generate_key("Ed25519")
    own = {"kid": None, "jwk": stranger.as_dict(private=False)}
    await refused(access, signed(stranger, "Ed25519", own))
    await refused(access, signed(stranger, "Ed25519", own | {"kid": "ed"}))


async def test_a_header_that_must_be_understood_and_is_not_is_refused(access: Access) -> None:
    unsigned = _with_header({"alg": "Ed25519", "kid": "ed", "crit": ["x-new"], "x-new": 1})
    signature = ED25519.private_key.sign(unsigned.encode())
    await refused(access, f"Bearer {unsigned}.{_encoded(signature)}")


async def test_a_header_member_of_another_system_is_passed_over(access: Access) -> None:
    unsigned = _with_header({"alg": "Ed25519", "kid": "ed", "x-new": 1})
    signature = ED25519.private_key.sign(unsigned.encode())
    assert await access.principal(f"Bearer {unsigned}.{_encoded(signature)}")


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_changed_token_is_refused(access: Access, part: int) -> None:
    parts = signed(ED25519, "Ed25519").removeprefix("Bearer ").split(".")
    parts[part] = parts[part][:10] + ("B" if parts[part][10] != "B" else "C") + parts[part][11:]
    await refused(access, f"Bearer {'.'.join(parts)}")


@pytest.mark.parametrize(
    "token",
    ["x", "a.b.c", "..", "a.b", "é.é.é", "eyJhbGciOiJFZDI1NTE5In0", "W10.e30.AA", "bnVsbA.e30.AA", "\x00.\x00.\x00",
     "eyJhbGciOlsiRWQyNTUxOSJdLCJraWQiOiJlZCJ9.e30.AA", "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjp7fX0.e30.AA", "A" * 9000,
     "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoiZWQifQ.W10.AA", "eyJraWQiOiJlZCJ9.e30.AA", "W1tb" * 1800 + ".e30.AA"],
)
async def test_what_is_no_token_is_refused(access: Access, token: str) -> None:
    await refused(access, f"Bearer {token}")


async def test_a_caller_of_another_role_is_not_let_in(access: Access) -> None:
    said = signed(ED25519, "Ed25519")
    assert (await access.admit(said, {"enterprise", "provider"})).role == "enterprise"
    with pytest.raises(RoleNotAllowed):
        await access.admit(said, {"operator"})


async def test_what_is_public_needs_no_token_but_a_bad_one_is_told(access: Access) -> None:
    assert (await access.admit(None, {"public"})).role == "public"
    assert (await access.admit(signed(ED25519, "Ed25519"), {"public"})).role == "enterprise"
    with pytest.raises(TokenInvalid):
        await access.admit("Bearer nonsense", {"public"})


@pytest.fixture
def issued(tmp_path: Path) -> Callable[..., Any]:
    settings = Settings(state_dir=tmp_path / "state")

    async def principal_of(role: str, **claims: Any) -> Principal:
        return await Access(settings).principal(f"Bearer {issue(settings, 'person-1', role, **claims)}")

    return principal_of


@pytest.mark.parametrize(
    ("role", "claims"),
    [
        ("enterprise", {"uscc": USCC}), ("provider", {"uscc": USCC}), ("regional_officer", {"region": "310118"}),
        ("centre", {"member_of": "00000000-0000-4000-8000-000000000009"}), ("provincial_officer", {"region": "31"}),
        ("agent", {"member_of": "00000000-0000-4000-8000-000000000009"}), ("auditor", {}), ("operator", {}),
        ("public", {}),
    ],
)
async def test_each_of_the_nine_roles_gets_a_development_token(
    issued: Callable[..., Any], role: str, claims: dict[str, str]
) -> None:
    principal = await issued(role, **claims)
    assert principal == Principal(sub="person-1", role=role, **claims)
