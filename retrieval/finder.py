"""What recall and search share: from words to candidates."""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate

import structlog

from memory.encoders import Encoder
from memory.encoders.port import Floats
from memory.errors import CorruptFileError, InvalidInputError, UnavailableError
from memory.ledger import Ledger, outbox, sessions, users
from memory.ledger import turns as turn_table
from memory.scope import Scope
from memory.times import now
from memory.tokens import TokenCounter
from memory.trust import Tier, tier
from memory.turns import Turn
from retrieval.fallback import LedgerSearch
from retrieval.index.port import Found, Index, IndexedTurn, Limits, QueryView
from retrieval.indexing.repair import Repair
from retrieval.passages.codec import TokenCodec
from retrieval.passages.making import encoded, unencoded
from retrieval.query.query import Query, views
from retrieval.rendering.recalled import own_text

log = structlog.get_logger()

# How many of the turns just before help to understand the new one.
RECENT = 4

# Turns that came a moment ago are encoded together with the query, at most this many characters of them.
_FRESH = 2000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: the new turn's text; what was said just before it, oldest first; turns to
    leave out, by name; how many of the session's last turns to know; when (microseconds, None = now);
    and whether only the scope's session counts.
    """

    text: str
    said: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset()
    last: int = 0
    at: int | None = None
    within_session: bool = False


@dataclass(slots=True)
class Finding:
    """What was found. last: the session's last turns, without those that the caller has already.
    excluded: turns not to be given, by number. tiers: how far candidates are trusted whose role doesn't
    tell, by number. available: tokens remembered of the user. pooled:
    float32 (dim,), the unit vector of the new turn.
    """

    query: Query
    found: Found
    degraded: bool
    last: list[Turn]
    excluded: set[int]
    tiers: dict[int, Tier]
    available: int
    pooled: Floats


class Clock:
    """Milliseconds by phase."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._phases: dict[str, float] = {}

    @contextmanager
    def measured(self, phase: str) -> Iterator[None]:
        """Count what happens inside as `phase`."""
        begun = time.perf_counter()
        yield
        self._phases[phase] = _milliseconds(begun)

    def total(self) -> dict[str, float]:
        """Return all phases and the time since the clock was made."""
        return self._phases | {"total": _milliseconds(self._begun)}


@dataclass(slots=True)
class _Known:
    """What the ledger says before the search."""

    user: users.User | None = None
    session: sessions.Session | None = None
    last: list[Turn] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    excluded: set[int] = field(default_factory=set)


class Finder:
    """Finds candidates in the index or, where that doesn't answer, in the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        index: Index,
        encoder: Encoder,
        codec: TokenCodec,
        counter: TokenCounter,
        *,
        repair: Repair,
        limits: Limits | None = None,
        trusted: Collection[str] = (),
    ) -> None:
        """`repair` is told of damage; `trusted`: sources that the operator vouches for."""
        self._ledger = ledger
        self._index = index
        self._encoder = encoder
        self._codec = codec
        self._counter = counter
        self._repair = repair
        self._limits = limits or Limits()
        self._trusted = trusted
        self._search_ledger = LedgerSearch(ledger, counter, codec, self._limits)

    def __call__(self, scope: Scope, wanted: Wanted, clock: Clock) -> Finding:
        """Return the candidates of a scope; raise `InvalidInputError` where its session won't do."""
        with clock.measured("ledger"):
            known = self._look_up(scope, wanted)
        with clock.measured("encode"):
            query = _query(wanted, known)
            searched = views(query, self._encoder, self._codec)
        with clock.measured("search"):
            # A session that nothing was remembered of has no number, and so no turns.
            session = (known.session.id if known.session else 0) if wanted.within_session else None
            found, degraded = self._search(scope, known, query, searched, session=session)
        with clock.measured("trust"):
            tiers = self._tiers(scope, found)
        available = known.user.tokens if known.user else 0
        return Finding(
            query, found, degraded, known.last, known.excluded, tiers, available, searched[0].pooled
        )

    def _look_up(self, scope: Scope, wanted: Wanted) -> _Known:
        if wanted.within_session and scope.session is None:
            raise InvalidInputError('scope "session" needs a session_id')
        known = _Known()
        with self._ledger.reading(scope.tenant) as tx:
            known.user = users.find(tx, scope)
            if known.user is None:
                return known
            known.pending = outbox.pending(tx, known.user.id)
            if wanted.exclude:
                known.excluded = turn_table.names_to_ids(tx, scope, wanted.exclude)
            if scope.session is not None:
                known.session = sessions.find(tx, scope.tenant, scope.session)
            if known.session is not None and known.session.user_id != known.user.id:
                raise InvalidInputError(f"the session {scope.session!r} is not this user's")
            if known.session is not None:
                depth = max(RECENT, wanted.last, len(wanted.said)) + 1
                known.last = turn_table.last_of_session(tx, known.session.id, depth)
        # The backend posts the new turn first, then asks: it must not be given back to itself.
        given = {wanted.text, *wanted.said}
        known.excluded |= {turn.id for turn in known.last if turn.content in given}
        known.last = [turn for turn in known.last if turn.id not in known.excluded]
        return known

    def _search(
        self, scope: Scope, known: _Known, query: Query, searched: list[QueryView], *, session: int | None
    ) -> tuple[Found, bool]:
        """Return what the index finds, or what a lexical search of the ledger does, and whether so."""
        if known.pending and self._repair.under_way(scope):
            return self._search_ledger(scope, query, searched, session=session), True
        try:
            self._preview(scope, known)
            return self._index.search(scope, searched, self._limits, session=session), False
        except (UnavailableError, CorruptFileError) as error:
            log.warning("recall.degraded", error=repr(error))
            if isinstance(error, CorruptFileError):
                self._repair.report(scope, error)
            return self._search_ledger(scope, query, searched, session=session), True

    def _tiers(self, scope: Scope, found: Found) -> dict[int, Tier]:
        """Return how far the candidates are trusted whose role doesn't tell: the ledger knows, no index."""
        with self._ledger.reading(scope.tenant) as tx:
            told = turn_table.told_by_source(tx, scope, set(found.candidates.turn.tolist()))
        return {turn: tier(role, source, self._trusted) for turn, (role, source) in told.items()}

    def _preview(self, scope: Scope, known: _Known) -> None:
        """Let turns that the index doesn't have yet be found: the newest in full, others by their terms."""
        missing = self._index.missing(scope, known.pending) if known.pending else set()
        if not missing:
            return
        with self._ledger.reading(scope.tenant) as tx:
            turns = sorted(turn_table.by_id(tx, scope, missing).values(), key=lambda turn: -turn.id)
        sizes = accumulate(len(turn.content) for turn in turns)
        fresh = [
            turn
            for turn, size in zip(turns, sizes, strict=True)
            if size <= _FRESH and turn.id not in known.excluded
        ]
        ready = self._encoded(fresh)
        done = {turn.key for turn in ready}
        dim = self._encoder.dim
        rest = [unencoded(turn, dim, self._counter, self._codec) for turn in turns if turn.id not in done]
        self._index.preview(scope, sorted(ready + rest, key=lambda turn: turn.key))

    def _encoded(self, fresh: Sequence[Turn]) -> list[IndexedTurn]:
        """Return the turns with vectors, or none where one can't be encoded: terms find them too."""
        try:
            return encoded(fresh, self._encoder.encode, self._counter, self._codec)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad text must not cost its user every answer
            log.warning("recall.unencoded", error=repr(error), turns=len(fresh))
            return []


def _query(wanted: Wanted, known: _Known) -> Query:
    """Return the query: what the caller says was said just before, else what the session holds.

    Contexts among it are left out: what was recalled last time is not what is asked now.
    """
    said = [own_text(text) for text in wanted.said or [turn.content for turn in known.last]]
    at = wanted.at if wanted.at is not None else now()
    return Query(own_text(wanted.text), tuple(text for text in said if text)[-RECENT:], at / 1e6)


def _milliseconds(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 3)
