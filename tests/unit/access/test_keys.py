"""Keys: made, verified, rotated, revoked; what a key of one user may."""

import hashlib

import pytest
import sqlalchemy as sa

from api.access import Authenticator, Caller
from memory.errors import AccessError, InvalidInputError, NotFoundError, UnauthenticatedError
from memory.ledger import Ledger, keys
from memory.ledger.keys import Key
from memory.ledger.schema import keys as table
from memory.ledger.tenancy import EVERY_TENANT
from memory.limits import NO_LIMITS, Limits
from memory.times import now

HOUR = 3_600_000_000


def make(ledger: Ledger, **more: object) -> tuple[Key, str]:
    """Make a key in a transaction of its own."""
    with ledger.writing(EVERY_TENANT) as tx:
        return keys.create(tx, "acme", **more)  # type: ignore[arg-type]  # as the tests name them


def verified(ledger: Ledger, secret: str) -> Key | None:
    """Look a secret up."""
    with ledger.reading(EVERY_TENANT) as tx:
        return keys.verify(tx, secret)


def test_a_secret_is_known_and_not_kept(ledger: Ledger) -> None:
    """The key comes back by its secret; no column holds the secret."""
    key, secret = make(ledger, label="ci", limits=Limits(rate=2.5, user_turns=10))

    assert verified(ledger, secret) == key
    with ledger.reading(EVERY_TENANT) as tx:
        row = tx.execute(sa.select(table)).one()
    assert not [
        value for value in row if secret in str(value) or secret.encode() in bytes(str(value), "utf-8")
    ]


def test_what_is_almost_a_secret_is_none(ledger: Ledger) -> None:
    """Another key's number, another tail, a cut-off, case, white space, nothing."""
    (one, secret), (_, other) = make(ledger), make(ledger)
    tail = secret.partition(".")[2]

    wrong = [f"sk_{one.id}.{other.partition('.')[2]}", f"sk_{one.id}.", f"sk_{one.id}", secret[:-1], tail]
    wrong += [
        secret.upper(),
        f" {secret}",
        secret + " ",
        "",
        ".",
        "sk_.",
        f"sk_{one.id}.\ud800",
        secret + "\0",
    ]

    assert [text for text in wrong if verified(ledger, text)] == []


def test_a_key_made_before_secrets_held_a_number_still_works(ledger: Ledger) -> None:
    """It is found by its hash."""
    key, _ = make(ledger)
    old = "sk_" + "a" * 43
    with ledger.writing(EVERY_TENANT) as tx:
        tx.execute(sa.update(table).values(hash=hashlib.sha256(old.encode()).digest()))

    assert verified(ledger, old) == key


def test_rotation_overlaps(ledger: Ledger) -> None:
    """Both work until the overlap is over, the new one with all that the old one may; never longer."""
    old, secret = make(ledger, rights=frozenset({"read"}), user="ada", expires_at=now() + 10 * HOUR)
    with ledger.writing(EVERY_TENANT) as tx:
        new, fresh = keys.rotate(tx, old.id, overlap=HOUR)

    assert verified(ledger, secret)
    assert verified(ledger, fresh) == new
    assert (new.rights, new.user, new.tenant) == (old.rights, "ada", "acme")
    with ledger.writing(EVERY_TENANT) as tx:
        keys.rotate(tx, old.id, overlap=0)
    assert verified(ledger, secret) is None
    assert verified(ledger, fresh)
    with pytest.raises(NotFoundError), ledger.writing(EVERY_TENANT) as tx:
        keys.rotate(tx, old.id, overlap=HOUR)


def test_a_revoked_or_expired_key_is_refused(ledger: Ledger) -> None:
    """At once, and it can be neither revoked nor rotated again."""
    key, secret = make(ledger)
    _, expired = make(ledger, expires_at=now() - 1)
    with ledger.writing(EVERY_TENANT) as tx:
        keys.revoke(tx, key.id)

    assert verified(ledger, secret) is None
    assert verified(ledger, expired) is None
    with pytest.raises(NotFoundError), ledger.writing(EVERY_TENANT) as tx:
        keys.revoke(tx, key.id)


def test_an_administrator_has_no_single_user(ledger: Ledger) -> None:
    """A key of one user can't have `admin`; an unknown right is no right."""
    with pytest.raises(InvalidInputError, match="admin"):
        make(ledger, user="ada")
    with pytest.raises(InvalidInputError):
        make(ledger, rights=frozenset({"root"}))


def test_a_caller_of_one_user_reaches_no_other() -> None:
    """By name, in whatever spelling; the error doesn't depend on the other."""
    caller = Caller("acme", "key:1", frozenset({"read"}), "ada")

    assert caller.scope("ada", "s1").user == "ada"
    for name in ("bob", "ADA", "ada ", "аda"):
        assert not caller.reaches(name)
        with pytest.raises(AccessError, match="for one user"):
            caller.scope(name)
    with pytest.raises(AccessError, match="write"):
        caller.needs("write")


def test_the_use_of_a_key_is_noted(ledger: Ledger) -> None:
    """Once a minute, behind the request's back; limits of its own go before the general ones."""
    access = Authenticator(ledger, Limits(rate=1, burst=3), None)
    _, secret = make(ledger, limits=Limits(rate=9))
    begun = now()

    callers = [access.caller(secret) for _ in range(3)]
    access.close()

    with ledger.reading(EVERY_TENANT) as tx:
        assert (keys.all_of(tx)[0].last_used_at or 0) >= begun
    assert {caller.limits for caller in callers} == {Limits(rate=9, burst=3)}
    assert Limits.from_json({"rate": 1, "of_tomorrow": 2}).under(NO_LIMITS) == Limits(rate=1)


def test_nobody_is_nobody(ledger: Ledger) -> None:
    """No credential, an empty one, one that looks like a token where none are accepted."""
    access = Authenticator(ledger, NO_LIMITS, None)

    for sent in (None, "", "sk_wrong", "eyJ.eyJ.sig", "sk_\ud800.x", "sk_\0.x", "ключ"):
        with pytest.raises(UnauthenticatedError):
            access.caller(sent)
    access.close()
