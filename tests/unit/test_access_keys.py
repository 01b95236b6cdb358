"""Where the keys that verify tokens come from, and what production refuses."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

from shared.runtime import keys as keys_module
from shared.runtime.access import Access
from shared.runtime.keys import Keys, KeysRefused
from shared.runtime.problems import KeysUnavailable, TokenInvalid
from shared.runtime.settings import Settings
from shared.runtime.tokens import DevelopmentOnly, development_key, issue

URL = "https://idp.example/jwks"


def key_set(*keys: OKPKey) -> bytes:
    return json.dumps(KeySet(list(keys)).as_dict(private=False)).encode()


def new_key(kid: str) -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": kid})


def token(key: OKPKey) -> str:
    claims = {"iss": "tongdui", "aud": "tongdui", "sub": "p", "role": "operator", "exp": 4_000_000_000}
    return f"Bearer {jwt.encode({'alg': 'Ed25519', 'kid': key.kid}, claims, key, ['Ed25519'])}"


class Issuer:
    """An identity provider that counts how often its keys are read, and can be away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *served: OKPKey) -> None:
        self.body = key_set(*served)
        self.reads = 0
        self.status = 200
        self.away = False
        self.now = 1000.0
        genuine = httpx.AsyncClient
        transport = httpx.MockTransport(self._answer)
        monkeypatch.setattr(
            keys_module.httpx, "AsyncClient", lambda **options: genuine(transport=transport, **options)
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.reads += 1
        if self.away:
            raise httpx.ConnectTimeout("timed out")
        return httpx.Response(self.status, content=self.body)

    def keys(self, **settings: Any) -> Keys:
        return Keys(Settings(jwks=URL, **settings), seconds=lambda: self.now)


async def test_keys_of_a_url_are_read_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(monkeypatch, new_key("a"))
    keys = issuer.keys()
    for _ in range(3):
        found = await keys.key("a")
        assert found is not None and found.kid == "a"
    assert issuer.reads == 1


async def test_an_unknown_key_makes_one_look_again_but_not_at_every_token(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = new_key("a"), new_key("b")
    issuer = Issuer(monkeypatch, first)
    keys = issuer.keys()
    await keys.key("a")
    issuer.body = key_set(first, second)
    assert await keys.key("b") is None
    issuer.now += keys_module.LOOK_AGAIN_SECONDS
    assert await keys.key("b") is not None
    assert issuer.reads == 2
    for _ in range(5):
        assert await keys.key("c") is None
    assert issuer.reads == 2


async def test_a_key_that_was_withdrawn_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = new_key("a"), new_key("b")
    issuer = Issuer(monkeypatch, first)
    access = Access(Settings(jwks=URL))
    access._keys = issuer.keys()
    await access.principal(token(first))
    issuer.body = key_set(second)
    issuer.now += keys_module.FRESH_SECONDS
    await access.principal(token(first))
    refreshing = access._keys._refreshing
    assert refreshing is not None
    await refreshing
    with pytest.raises(TokenInvalid):
        await access.principal(token(first))


async def test_the_last_keys_count_for_an_hour_while_the_issuer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(monkeypatch, new_key("a"))
    keys = issuer.keys()
    await keys.key("a")
    issuer.away = True
    issuer.now += keys_module.STALE_SECONDS - 1
    assert await keys.key("a") is not None
    issuer.now += 2
    with pytest.raises(KeysUnavailable):
        await keys.key("a")
    complaint = await keys.complaint()
    assert complaint is not None and "TONGDUI_JWKS" in complaint
    issuer.away = False
    issuer.now += keys_module.LOOK_AGAIN_SECONDS
    assert await keys.complaint() is None


@pytest.mark.parametrize("trouble", ["away", "status", "nonsense", "empty", "large"])
async def test_without_any_keys_no_token_is_judged(monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    issuer = Issuer(monkeypatch, new_key("a"))
    issuer.away = trouble == "away"
    issuer.status = 500 if trouble == "status" else 200
    issuer.body = {"nonsense": b"<html>", "empty": b'{"keys": []}', "large": b" " * 300_000}.get(trouble, issuer.body)
    keys = issuer.keys()
    with pytest.raises(KeysUnavailable):
        await keys.key("a")
    assert await keys.complaint() is not None
    assert issuer.reads == 1


async def test_production_refuses_a_development_key_that_a_url_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(monkeypatch, new_key("development-1"), new_key("a"))
    with pytest.raises(KeysUnavailable):
        await issuer.keys(environment="production").key("a")
    assert await issuer.keys().key("a") is not None


def test_production_does_not_start_without_keys_or_with_a_development_key(tmp_path: Path) -> None:
    with pytest.raises(KeysRefused, match="TONGDUI_JWKS"):
        Access(Settings(environment="production"))
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set(new_key("a"), new_key("development-1")))
    with pytest.raises(KeysRefused, match="development"):
        Access(Settings(environment="production", jwks=str(path)))
    path.write_bytes(key_set(new_key("a")))
    Access(Settings(environment="production", jwks=str(path)))


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{}", b'{"keys": 5}', b'{"keys": [5]}', b'{"keys": [{"kty": "oct"}]}'])
def test_a_file_that_holds_no_key_set_is_refused_at_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "jwks.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KeysRefused):
        Access(Settings(jwks=str(path)))


def test_production_issues_no_development_tokens(tmp_path: Path) -> None:
    settings = Settings(environment="production", state_dir=tmp_path)
    with pytest.raises(DevelopmentOnly):
        issue(settings, "person-1", "operator")
    assert list(tmp_path.iterdir()) == []


def test_the_development_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path / "new" / "state")
    first = development_key(settings)
    assert development_key(settings).thumbprint() == first.thumbprint()
    assert first.kid is not None and first.kid.startswith("development-")
    [path] = settings.state_dir.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_development_token_is_not_accepted_where_keys_are_configured(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set(new_key("a")))
    said = issue(Settings(state_dir=tmp_path), "person-1", "operator")
    with pytest.raises(TokenInvalid):
        await Access(Settings(state_dir=tmp_path, jwks=str(path))).principal(f"Bearer {said}")


def test_no_token_is_issued_with_claims_nobody_would_accept(tmp_path: Path) -> None:
    for role, claims in (("service", {}), ("enterprise", {}), ("centre", {"member_of": "x"})):
        with pytest.raises(ValueError):
            issue(Settings(state_dir=tmp_path), "person-1", role, **claims)
