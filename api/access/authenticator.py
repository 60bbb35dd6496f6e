"""From what a request sends to whoever sent it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
import structlog

from api.access.caller import Caller
from api.access.oidc import Tokens
from memory.errors import UnauthenticatedError
from memory.ledger import Ledger, keys
from memory.ledger.keys import Key
from memory.ledger.tenancy import EVERY_TENANT
from memory.limits import Limits
from memory.times import now

log = structlog.get_logger()

# The use of a key is written down at most this often, in microseconds: nobody waits for it.
_NOTED_EVERY = 60_000_000
_NEEDED = "send 'Authorization: Bearer <key>' with a key that is in use"


class Authenticator:
    """Knows keys by the ledger and tokens by their issuer. Revoked keys are refused from then on."""

    def __init__(self, ledger: Ledger, general: Limits, tokens: Tokens | None) -> None:
        """general: the limits of keys that have none of their own."""
        self._ledger = ledger
        self._general = general
        self._tokens = tokens
        self._noted: dict[str, int] = {}
        self._lock = threading.Lock()
        self._notes = ThreadPoolExecutor(1, "key-use")

    def caller(self, credential: str | None) -> Caller:
        """Return whose credential it is; raise `UnauthenticatedError` where it is nobody's."""
        if not credential or not (credential.isascii() and credential.isprintable()):
            raise UnauthenticatedError(_NEEDED)
        if self._tokens is not None and credential.count(".") == 2:  # noqa: PLR2004 - a JWT's three parts
            return self._tokens.caller(credential)
        with self._ledger.reading(EVERY_TENANT) as tx:
            key = keys.verify(tx, credential)
        if key is None:
            raise UnauthenticatedError(_NEEDED)
        self._note(key)
        return Caller(key.tenant, f"key:{key.id}", key.rights, key.user, key.limits.under(self._general))

    def close(self) -> None:
        """Write the last notes."""
        self._notes.shutdown()

    def _note(self, key: Key) -> None:
        at = now()
        with self._lock:
            if at - self._noted.get(key.id, key.last_used_at or 0) < _NOTED_EVERY:
                return
            self._noted[key.id] = at
        self._notes.submit(self._write, key.id, at)

    def _write(self, key: str, at: int) -> None:
        try:
            with self._ledger.writing(EVERY_TENANT) as tx:
                keys.used(tx, key, at)
        except sa.exc.DatabaseError as error:
            # Nothing depends on it: the next use is noted again.
            log.warning("key.use_not_noted", key=key, error=repr(error))
