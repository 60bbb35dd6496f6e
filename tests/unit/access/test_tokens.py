"""Tokens of an OpenID provider: the right ones are let in, and nothing that only looks like one."""

import hmac
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode
from pydantic import ValidationError

from api.access import Caller
from api.access.oidc import Tokens, keys_at
from api.settings import Settings
from memory.errors import SetupError, UnauthenticatedError, UnavailableError
from memory.limits import NO_LIMITS

ISSUER, AUDIENCE = "https://id.example", "satchel"
Make = Callable[..., str]


def write_keys(path: Path, keys: dict[str, EllipticCurvePrivateKey]) -> None:
    """Write the public halves as a JWKS file, seen as changed whatever the clock's steps are."""
    public = [
        json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "ES256"}
        for kid, key in keys.items()
    ]
    path.write_text(json.dumps({"keys": public}))
    os.utime(path, (time.time(), len(keys)))


def signed(key: Any, kid: str = "k1", algorithm: str = "ES256", **claims: object) -> str:
    """Return a token that is right except for what the caller changes; None leaves a claim out."""
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "backend", "exp": time.time() + 60, "tenant": "acme"}
    whole |= {"scope": "openid satchel:read satchel:admin"} | claims
    said = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(said, key, algorithm, headers={"kid": kid})


@pytest.fixture(scope="module")
def private() -> EllipticCurvePrivateKey:
    """The issuer's key."""
    return generate_private_key(SECP256R1())


@pytest.fixture
def settings(tmp_path: Path, private: EllipticCurvePrivateKey) -> Settings:
    """Settings that accept the issuer's tokens."""
    write_keys(tmp_path / "jwks.json", {"k1": private})
    return Settings(jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_keys=tmp_path / "jwks.json")


def tokens_of(settings: Settings) -> Tokens:
    """Return the checker."""
    found = Tokens.of(settings, NO_LIMITS)
    assert found is not None
    return found


def test_a_token_speaks_for_its_tenant(settings: Settings, private: EllipticCurvePrivateKey) -> None:
    """Tenant and rights are the claims', words in a string or a list."""
    tokens = tokens_of(settings)

    caller = tokens.caller(signed(private))

    assert (caller.tenant, caller.user, caller.rights) == ("acme", None, frozenset({"read", "admin"}))
    assert caller.actor.startswith("jwt:")
    assert tokens.caller(signed(private, scope=["satchel:write"])).rights == {"write"}
    assert tokens.caller(signed(private, scope="read write admin")).rights == frozenset()
    assert tokens.caller(signed(private, scope=None)).rights == frozenset()
    assert tokens.caller(signed(private, exp=time.time() - 5)).tenant == "acme"  # clocks differ


def test_a_token_of_one_user_administers_nothing(
    settings: Settings, private: EllipticCurvePrivateKey
) -> None:
    """With a user claim, every token is bound, and needs the claim."""
    tokens = tokens_of(settings.model_copy(update={"jwt_user_claim": "sub"}))

    caller = tokens.caller(signed(private, sub="ada"))

    assert caller == Caller("acme", caller.actor, frozenset({"read"}), "ada")
    bound = tokens_of(settings.model_copy(update={"jwt_user_claim": "user"}))
    with pytest.raises(UnauthenticatedError, match="user"):
        bound.caller(signed(private))


def test_wrong_tokens_are_refused_with_a_reason(settings: Settings, private: EllipticCurvePrivateKey) -> None:
    """Time, audience, issuer, signature, key, claims: each says what it was, and quotes nothing."""
    tokens = tokens_of(settings)
    stranger = generate_private_key(SECP256R1())
    wrong = {
        "expired": signed(private, exp=time.time() - 60),
        "not valid yet": signed(private, nbf=time.time() + 120),
        "another audience": signed(private, aud="billing"),
        "another issuer": signed(private, iss="https://evil.example"),
        "signed by a known key": signed(stranger),
        "a known key": signed(private, kid="k9"),
        "lacks exp": signed(private, exp=None),
        "lacks exp, iss, aud or sub": signed(private, sub=None),
        "tenant must be a non-empty": signed(private, tenant=None),
        "claim tenant must": signed(private, tenant=["acme", "other"]),
        "claim tenant": signed(private, tenant="  "),
    }
    for reason, token in wrong.items():
        with pytest.raises(UnauthenticatedError, match=reason) as caught:
            tokens.caller(token)
        assert "evil" not in str(caught.value)
    for garbage in ("..", "a.b.c", signed(private)[:-4] + "AAAA"):
        with pytest.raises(UnauthenticatedError):
            tokens.caller(garbage)


def test_no_algorithm_and_no_shared_secret(settings: Settings, private: EllipticCurvePrivateKey) -> None:
    """Neither `none`, nor the public key used as an HMAC secret, nor a symmetric key in the file."""
    tokens = tokens_of(settings)
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    # The library won't sign with a public key, so the attack is made by hand.
    said = signed(b"x" * 32, algorithm="HS256").rpartition(".")[0]
    mac = base64url_encode(hmac.digest(pem, said.encode(), "sha256")).decode()

    for token in (signed(None, algorithm="none"), f"{said}.{mac}"):
        with pytest.raises(UnauthenticatedError, match="algorithm is not allowed"):
            tokens.caller(token)
    assert settings.jwt_keys is not None
    shared = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ", "kid": "k1", "alg": "HS256"}
    settings.jwt_keys.write_text(json.dumps({"keys": [shared]}))
    with pytest.raises(UnauthenticatedError, match="algorithm"):
        tokens_of(settings).caller(signed(b"secret-secret-secret-secret-1234", algorithm="HS256"))


def test_keys_are_read_again_when_the_file_changes(
    settings: Settings, private: EllipticCurvePrivateKey
) -> None:
    """A rotated key is known without a restart; one taken out is forgotten."""
    tokens, new = tokens_of(settings), generate_private_key(SECP256R1())
    with pytest.raises(UnauthenticatedError):
        tokens.caller(signed(new, kid="k2"))

    assert settings.jwt_keys is not None
    write_keys(settings.jwt_keys, {"k2": new, "k3": new})

    assert tokens.caller(signed(new, kid="k2")).tenant == "acme"
    with pytest.raises(UnauthenticatedError):
        tokens.caller(signed(private))


def test_a_provider_that_does_not_answer(private: EllipticCurvePrivateKey) -> None:
    """Is unavailable, not a refusal; and is not asked for every token."""
    key_of = keys_at("http://127.0.0.1:9/jwks")

    for _ in range(2):
        with pytest.raises(UnavailableError):
            key_of(signed(private))


@pytest.mark.parametrize(
    "wrong",
    [
        {"jwt_issuer": ISSUER},
        {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE},
        {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_keys_url": "http://id.example/jwks"},
        {
            "jwt_issuer": ISSUER,
            "jwt_audience": AUDIENCE,
            "jwt_keys": "a",
            "jwt_keys_url": "https://id.example",
        },
        {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_keys": "a", "jwt_algorithms": ["HS256"]},
        {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_keys": "a", "jwt_algorithms": ["none"]},
    ],
)
def test_half_a_setting_is_none(wrong: dict[str, object]) -> None:
    """Issuer, audience and one source of keys belong together; unsafe choices are no choice."""
    with pytest.raises(ValidationError):
        Settings(**wrong)  # type: ignore[arg-type]  # what the environment may hold


def test_a_file_without_keys_is_an_operators_matter(tmp_path: Path) -> None:
    """Missing, no JSON, or no keys in it: said at the start."""
    path = tmp_path / "jwks.json"
    for text in (None, "{", '{"keys": []}', "[]"):
        if text is not None:
            path.write_text(text)
        with pytest.raises(SetupError, match="keys"):
            Tokens.of(Settings(jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_keys=path), NO_LIMITS)
