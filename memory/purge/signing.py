"""The key that signs receipts, and checking what it signed."""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from memory.errors import InvalidInputError, SetupError
from memory.ledger import Ledger, data_keys
from memory.ledger.tenancy import EVERY_TENANT

FILE = "receipts.key"
ALGORITHM = "Ed25519"
# Under which the ledger keeps the key.
_NAME = "receipts"


class Signer:
    """Signs documents with an Ed25519 key (RFC 8032)."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = base64.b64encode(
            key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        ).decode()

    @classmethod
    def from_file(cls, path: Path) -> "Signer":
        """Read the key (PEM, PKCS 8), made where missing with mode 0600; raise `SetupError` on any other."""
        return cls(_read(path))

    @classmethod
    def in_ledger(cls, ledger: Ledger, own: Path | None = None) -> "Signer":
        """Return the signer with the key that the ledger keeps, sealed by the master key, for all replicas.

        A ledger that has none takes the key in the file `own`, else a new one.
        """
        with ledger.reading(EVERY_TENANT) as tx:
            kept = data_keys.secret(tx, _NAME)
        if kept is not None:
            return cls(Ed25519PrivateKey.from_private_bytes(kept))
        key = _read(own) if own else Ed25519PrivateKey.generate()
        with ledger.writing(EVERY_TENANT) as tx:
            data_keys.make_secret(tx, _NAME, key.private_bytes_raw())
        return cls.in_ledger(ledger)  # another replica may have been first

    @property
    def key_id(self) -> str:
        """The key's short name."""
        return key_id(self.public_key)

    def signed(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the document with its signature."""
        value = base64.b64encode(self._key.sign(canonical(document))).decode()
        signature = {
            "algorithm": ALGORITHM,
            "key_id": self.key_id,
            "public_key": self.public_key,
            "value": value,
        }
        return document | {"signature": signature}


def key_id(public_key: str) -> str:
    """Return the short name of a public key: the start of its SHA-256."""
    return hashlib.sha256(public_key.encode()).hexdigest()[:16]


def verify(document: dict[str, Any], public_key: str | None = None) -> str:
    """Check a signed document and return the id of the key that signed it.

    Without `public_key` the one in the document is used: that proves that nothing was changed since, not
    who signed. Raises `InvalidInputError` where the signature doesn't hold.
    """
    signature = document.get("signature")
    if not isinstance(signature, dict):
        raise InvalidInputError("the receipt is not signed")
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    used = public_key or str(signature.get("public_key"))
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(used, validate=True))
        key.verify(base64.b64decode(str(signature.get("value")), validate=True), canonical(unsigned))
    except InvalidSignature as error:
        raise InvalidInputError(
            f"the signature doesn't hold: the receipt was changed, or key {key_id(used)} didn't sign it"
        ) from error
    except ValueError as error:
        raise InvalidInputError(f"the receipt's signature can't be read: {error}") from error
    return key_id(used)


def canonical(document: dict[str, Any]) -> bytes:
    """Return the bytes that are signed: JSON in UTF-8, keys sorted, no spaces."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _read(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        _make(path)
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise SetupError(f"{path} is no key to sign receipts with: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SetupError(f"{path} holds a key of another kind; receipts need {ALGORITHM}")
    return key


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
