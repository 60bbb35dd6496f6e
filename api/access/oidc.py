"""Tokens of an OpenID provider (JWT), checked against its public keys."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import jwt

from api.access.caller import Caller
from api.settings import Settings
from memory.errors import InvalidInputError, SetupError, UnauthenticatedError, UnavailableError
from memory.ledger.keys import Right
from memory.limits import NO_LIMITS, Limits
from memory.scope import check_name

# In `scope`, a right is written after this, for one token may be meant for several services.
RIGHT_PREFIX = "satchel:"

_FETCH_SECONDS = 5.0
_KEPT_SECONDS = 3600.0
_PAUSE_SECONDS = 10.0

# Returns the key that a token says it was signed with; raises `jwt.PyJWTError` where there is none.
KeyOf = Callable[[str], jwt.PyJWK]


@dataclass(frozen=True, slots=True)
class Claims:
    """Which claims name the tenant, the user that the token is bound to (None: to none), and the rights."""

    tenant: str
    user: str | None
    rights: str


class Tokens:
    """Checks tokens: signature, issuer, audience, times. Algorithms are fixed, and none is symmetric."""

    def __init__(
        self,
        key_of: KeyOf,
        *,
        issuer: str,
        audience: str,
        algorithms: list[str],
        claims: Claims,
        leeway: float,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """leeway: seconds by which the provider's clock may differ. limits: those of every token."""
        self._key_of = key_of
        self._issuer = issuer
        self._audience = audience
        self._algorithms = algorithms
        self._claims = claims
        self._leeway = leeway
        self._limits = limits

    @classmethod
    def of(cls, settings: Settings, limits: Limits) -> "Tokens | None":
        """Return what the settings ask for, None where they name no issuer."""
        if settings.jwt_issuer is None or settings.jwt_audience is None:
            return None
        return cls(
            keys_in_file(settings.jwt_keys) if settings.jwt_keys else keys_at(str(settings.jwt_keys_url)),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
            algorithms=list(settings.jwt_algorithms),
            claims=Claims(settings.jwt_tenant_claim, settings.jwt_user_claim, settings.jwt_rights_claim),
            leeway=settings.jwt_leeway,
            limits=limits,
        )

    def caller(self, token: str) -> Caller:
        """Return whom the token speaks for; raise `UnauthenticatedError`, saying why it won't do.

        Raises `UnavailableError` while the provider's keys can't be fetched.
        """
        try:
            found = jwt.decode(
                token,
                self._key_of(token),
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise UnauthenticatedError(f"the token is refused: {_reason(error)}") from error
        return self._of(found)

    def _of(self, found: dict[str, Any]) -> Caller:
        tenant = _named(found, self._claims.tenant)
        user = _named(found, self._claims.user) if self._claims.user else None
        rights = _rights(found.get(self._claims.rights))
        # What an administrator does concerns the whole tenant, so a token of one user can't.
        rights = rights - {"admin"} if user is not None else rights
        who = sha256(f"{found['iss']}\0{found['sub']}".encode()).hexdigest()[:16]
        return Caller(tenant, f"jwt:{who}", rights, user, self._limits)


def keys_in_file(path: Path) -> KeyOf:
    """Return the finder of keys in a JWKS file, read again when it changes; a bad one raises `SetupError`."""
    read_at, known = 0.0, _read(path)

    def key_of(token: str) -> jwt.PyJWK:
        nonlocal read_at, known
        changed = path.stat().st_mtime
        if changed != read_at:
            read_at, known = changed, _read(path)
        try:
            return known[jwt.get_unverified_header(token)["kid"]]
        except KeyError as error:
            raise jwt.InvalidKeyError("no key of its 'kid' is known") from error

    return key_of


def keys_at(url: str) -> KeyOf:
    """Return the finder of keys at a JWKS address, which are kept for an hour.

    An unknown key is looked for there at most every 30 seconds, and a provider that doesn't answer is
    asked again after 10: tokens that nobody signed must not make this service call another.
    """
    client = jwt.PyJWKClient(url, lifespan=_KEPT_SECONDS, timeout=_FETCH_SECONDS)
    again_at = 0.0

    def key_of(token: str) -> jwt.PyJWK:
        nonlocal again_at
        if time.monotonic() < again_at:
            raise UnavailableError("the keys of the token's issuer can't be fetched now")
        try:
            return client.get_signing_key_from_jwt(token)
        except jwt.PyJWKClientConnectionError as error:
            again_at = time.monotonic() + _PAUSE_SECONDS
            raise UnavailableError("the keys of the token's issuer can't be fetched now") from error

    return key_of


def _read(path: Path) -> jwt.PyJWKSet:
    try:
        return jwt.PyJWKSet.from_json(path.read_text())
    except OSError as error:
        raise SetupError(f"can't read the keys of tokens {path}: {error.strerror}") from error
    except (json.JSONDecodeError, jwt.PyJWTError, AttributeError) as error:
        raise SetupError(f"{path} holds no usable public keys (JWKS): {error}") from error


def _reason(error: jwt.PyJWTError) -> str:
    """Return why, in words of ours: the library's may quote what the token says."""
    known = {
        jwt.ExpiredSignatureError: "it has expired",
        jwt.ImmatureSignatureError: "it is not valid yet",
        jwt.InvalidAudienceError: "it is meant for another audience",
        jwt.InvalidIssuerError: "another issuer made it",
        jwt.InvalidAlgorithmError: "its algorithm is not allowed",
        jwt.MissingRequiredClaimError: "it lacks exp, iss, aud or sub",
    }
    return next(
        (why for kind, why in known.items() if isinstance(error, kind)), "it is not signed by a known key"
    )


def _named(found: dict[str, Any], claim: str) -> str:
    try:
        check_name(claim, found.get(claim))
    except InvalidInputError as error:
        raise UnauthenticatedError(f"the token is refused: its claim {error}") from error
    return str(found[claim])


def _rights(claim: object) -> frozenset[Right]:
    """Return the rights in a claim: words in one string, as in `scope`, or a list of strings."""
    words = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return frozenset(right for right in get_args(Right) if RIGHT_PREFIX + right in words)
