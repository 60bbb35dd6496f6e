"""Data keys: what they seal can be opened with the same key and for the same row only."""

import hmac
import os
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from memory.errors import CorruptFileError

KEY_BYTES = 32
_NONCE = 12
# The first byte of all that is sealed: AES-256-GCM, a random nonce of 12 bytes, a tag of 16.
_FORMAT = b"\x01"


class DataKey:
    """A user's key. One seals at most 2^32 texts, after which random nonces might repeat."""

    __slots__ = ("_box", "_secret")

    def __init__(self, secret: bytes) -> None:
        """Take 32 random bytes."""
        self._secret = secret
        self._box = AESGCM(secret)

    def seal(self, plain: bytes, identity: bytes) -> bytes:
        """Return `plain` encrypted, 29 bytes longer. `identity` says which row it is, and is not kept."""
        nonce = os.urandom(_NONCE)
        return _FORMAT + nonce + self._box.encrypt(nonce, plain, identity)

    def open(self, sealed: bytes, identity: bytes) -> bytes:
        """Return what was sealed; raise `CorruptFileError` where it was altered or sealed for another row."""
        if sealed[:1] != _FORMAT:
            raise CorruptFileError("a sealed text has a format that this version doesn't know")
        try:
            return self._box.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], identity)
        except InvalidTag as error:
            raise CorruptFileError(
                "a sealed text was altered, or belongs to another row; restore a backup"
            ) from error

    @staticmethod
    def is_sealed(data: bytes) -> bool:
        """Tell what was sealed from a text that was not: no text of ours begins with the format's byte."""
        return data[:1] == _FORMAT

    def fingerprint(self, data: bytes) -> bytes:
        """Return 32 bytes that tell equal data from other data, and say nothing without the key."""
        return hmac.digest(self.derived(b"fingerprint"), data, sha256)

    def derived(self, purpose: bytes) -> bytes:
        """Return a key of 32 bytes for another purpose, from which this one can't be told."""
        return HKDFExpand(SHA256(), KEY_BYTES, purpose).derive(self._secret)
