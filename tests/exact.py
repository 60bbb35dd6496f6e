"""An index that computes everything anew for every search, in plain loops: what the adapters must equal."""

import pickle
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import log1p
from pathlib import Path

import numpy as np

from memory.encoders.port import Floats, unit
from memory.errors import EncoderMismatchError
from memory.residue import Piece
from memory.scope import Scope
from retrieval.index.port import (
    MATCHED_TERMS,
    Candidates,
    Found,
    IndexedTurn,
    IndexSettings,
    Ints,
    Limits,
    Passage,
    QueryView,
)
from retrieval.index.traces import pieces_of
from retrieval.passages.codec import TokenCodec


@dataclass(frozen=True)
class Row:
    """A passage and its turn; rank: of the turn, by arrival."""

    turn: IndexedTurn
    place: int
    rank: int

    @property
    def passage(self) -> Passage:
        return self.turn.passages[self.place]


@dataclass(frozen=True)
class Scored:
    """What all rows are to one view."""

    dense: Floats
    bm25: Floats
    coverage: Floats
    rarest: Floats
    maxsim: Floats


class ExactIndex:
    """The index port over plain dictionaries."""

    def __init__(self, folder: Path, encoder: str, codec: TokenCodec) -> None:
        self.settings = IndexSettings(encoder, codec.encoder_dim, codec.id)
        self._file = folder / "exact.pickle"
        self._turns: dict[Scope, dict[int, IndexedTurn]] = {}
        self._previews: dict[Scope, dict[int, IndexedTurn]] = {}
        if self._file.exists():
            found, self._turns = pickle.loads(self._file.read_bytes())  # noqa: S301 - the test's own file
            self._check(found)

    def upsert(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        user = scope.whole_user()
        for turn in turns:
            self._turns.setdefault(user, {})[turn.key] = turn
            self._previews.get(user, {}).pop(turn.key, None)

    def preview(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        user = scope.whole_user()
        known = self._turns.get(user, {})
        self._previews.setdefault(user, {}).update(
            {turn.key: turn for turn in turns if turn.key not in known}
        )

    def delete(self, scope: Scope, keys: Collection[int] | None = None) -> None:
        for held in (self._turns, self._previews):
            mine = held.get(scope.whole_user(), {})
            for key in list(mine) if keys is None else keys:
                mine.pop(key, None)

    def traces(self, scope: Scope, keys: Collection[int]) -> Iterator[Piece]:
        for turn in self._turns.get(scope.whole_user(), {}).values():
            if turn.key in keys:
                yield from pieces_of(turn)

    def held(self) -> Iterator[bytes]:
        yield pickle.dumps(self._turns)

    def compact(self, *, thorough: bool = False) -> str:
        del thorough
        return "kept in memory"

    def missing(self, scope: Scope, keys: Collection[int]) -> set[int]:
        return set(keys) - {row.turn.key for row in self._rows(scope)}

    def close(self) -> None:
        self._file.write_bytes(pickle.dumps((self.settings, self._turns)))

    def search(
        self, scope: Scope, views: Sequence[QueryView], limits: Limits, *, session: int | None = None
    ) -> Found:
        rows = self._rows(scope)
        scored = [_scored(view, rows) for view in views]
        sessions = _sessions(rows, views[0], scored[0], session)
        chosen = _chosen(rows, scored, sessions, limits, session)
        size = len({row.turn.key for row in rows})
        return Found(_candidates(rows, chosen, scored, sessions, (views, size)), size)

    def _check(self, found: IndexSettings) -> None:
        mine = self.settings
        if found != mine:
            raise EncoderMismatchError(
                f"built with encoder {found.encoder!r} instead of {mine.encoder!r}, codec {found.codec}. "
                "Start with the encoder it was built with"
            )

    def _rows(self, scope: Scope) -> list[Row]:
        user = scope.whole_user()
        turns = {**self._turns.get(user, {}), **self._previews.get(user, {})}
        ordered = [turns[key] for key in sorted(turns)]
        return [
            Row(turn, place, rank) for rank, turn in enumerate(ordered) for place in range(len(turn.passages))
        ]


def _scored(view: QueryView, rows: list[Row]) -> Scored:
    terms = [int(term) for term in view.terms]
    counts = [
        dict(zip(map(int, row.passage.terms), map(int, row.passage.counts), strict=True)) for row in rows
    ]
    found_in = Counter(term for row in counts for term in row)
    idf = {term: log1p((len(rows) - found_in[term] + 0.5) / (found_in[term] + 0.5)) for term in terms}
    mean = max(float(np.mean([sum(row.values()) for row in counts])) if rows else 1.0, 1.0)
    bm25, covered, rarest, late = [], [], [], []
    for row, count in zip(rows, counts, strict=True):
        norm = 1.2 * (1 - 0.75 + 0.75 * sum(count.values()) / mean)
        shared = [term for term in terms if term in count]
        bm25.append(sum(idf[term] * count[term] * 2.2 / (count[term] + norm) for term in shared))
        covered.append(sum(idf[term] for term in shared) / max(sum(idf.values()), 1e-9))
        rarest.append(
            max((idf[term] for term in shared), default=0.0) / max(max(idf.values(), default=0), 1e-9)
        )
        late.append(_maxsim(view, row.passage, [idf[term] for term in terms]))
    dense = [float(row.passage.pooled @ view.pooled) for row in rows]
    return Scored(*(np.array(values, np.float32) for values in (dense, bm25, covered, rarest, late)))


def _maxsim(view: QueryView, passage: Passage, idf: list[float]) -> float:
    codes = passage.codes.astype(np.float32) / 127
    weights = [idf[term] if term >= 0 else 0.0 for term in view.token_terms]
    if not len(codes) or not sum(weights):
        return 0.0
    best = (view.tokens @ codes.T).max(axis=1)
    return float(best @ weights / sum(weights))


@dataclass(frozen=True)
class Sessions:
    """By session: its best row, how near its mean is, and how near that is to the leading ones."""

    best: dict[int, float]
    centroid: dict[int, float]
    thread: dict[int, float]
    order: list[int]


def _sessions(rows: list[Row], view: QueryView, scored: Scored, session: int | None) -> Sessions:
    named = list(dict.fromkeys(row.turn.session for row in rows))
    fits = _standard(scored.dense) + _standard(scored.bm25)
    least = min(fits, default=0.0)
    best = {name: float(least) for name in named}
    for row, fit in zip(rows, fits, strict=True):
        if session is None or row.turn.session == session:
            best[row.turn.session] = max(best[row.turn.session], float(fit))
    means = {
        name: unit(np.sum([row.passage.pooled for row in rows if row.turn.session == name], axis=0))
        for name in named
    }
    centroid = {name: float(means[name] @ view.pooled) for name in named}
    apart = dict(zip(named, _standard(np.array(list(centroid.values()), np.float32)), strict=True))
    order = sorted(named, key=lambda name: -(best[name] + apart[name]))
    if not named:
        return Sessions({}, {}, {}, [])
    leading = unit(np.sum([means[name] for name in order[:3]], axis=0))
    return Sessions(best, centroid, {name: float(means[name] @ leading) for name in named}, order)


def _standard(values: Floats) -> Floats:
    return (values - values.mean()) / max(float(values.std()), 1e-6) if len(values) else values


def _chosen(
    rows: list[Row], scored: list[Scored], sessions: Sessions, limits: Limits, session: int | None
) -> list[int]:
    mine = [place for place, row in enumerate(rows) if session in (None, row.turn.session)]
    arms = [mine[max(len(mine) - limits.newest, 0) :]]
    near: list[int] = []
    for view in scored:
        by_dense = sorted(mine, key=lambda place: -view.dense[place])[: limits.dense]
        by_words = sorted((place for place in mine if view.bm25[place] > 0), key=lambda p: -view.bm25[p])
        arms += [by_dense, by_words[: limits.lexical]]
    for arm in arms[1:]:
        near += arm[: limits.neighbours]
    beside = {(rows[p].turn.session, rows[p].turn.seq + step) for p in near for step in (-1, 1)}
    arms.append([p for p, row in enumerate(rows) if (row.turn.session, row.turn.seq) in beside])
    wholes = [
        p for name in sessions.order[: limits.sessions] for p, r in enumerate(rows) if r.turn.session == name
    ]
    arms.append([place for place in wholes[: limits.session_rows] if place in set(mine)])
    return sorted({place for arm in arms for place in arm})


def _candidates(
    rows: list[Row],
    chosen: list[int],
    scored: list[Scored],
    sessions: Sessions,
    asked: tuple[Sequence[QueryView], int],
) -> Candidates:
    views, size = asked
    picked = [rows[place] for place in chosen]
    bare = np.array([[not row.passage.pooled.any()] for row in picked], bool).reshape(-1, 1)

    def numbers(values: Sequence[int]) -> Ints:
        return np.array(values, np.int64)

    def scores(name: str) -> Floats:
        return np.stack([getattr(view, name)[np.array(chosen, np.int64)] for view in scored], axis=1)

    def wholes(values: dict[int, float]) -> Floats:
        return np.array([values[row.turn.session] for row in picked], np.float32)

    return Candidates(
        turn=numbers([row.turn.key for row in picked]),
        session=numbers([row.turn.session for row in picked]),
        seq=numbers([row.turn.seq for row in picked]),
        at=np.array([row.turn.at for row in picked], np.float64),
        role=numbers([row.turn.role for row in picked]),
        turn_tokens=numbers([row.turn.tokens for row in picked]),
        passage=numbers([row.place for row in picked]),
        passages=numbers([len(row.turn.passages) for row in picked]),
        start=numbers([row.passage.start for row in picked]),
        end=numbers([row.passage.end for row in picked]),
        tokens=numbers([row.passage.tokens for row in picked]),
        age=numbers([size - 1 - row.rank for row in picked]),
        dense=np.where(bare, scores("coverage"), scores("dense")),
        lexical=scores("bm25"),
        maxsim=np.where(bare, scores("coverage"), scores("maxsim")),
        coverage=scores("coverage"),
        pooled=np.array([row.passage.pooled for row in picked], np.float32).reshape(
            len(picked), len(views[0].pooled)
        ),
        speaker=numbers([row.turn.speaker for row in picked]),
        traits=numbers([row.passage.traits for row in picked]),
        rarest=scores("rarest"),
        matched=np.array([_matched(views[0], row.passage) for row in picked], np.uint64).reshape(-1, 2),
        session_best=wholes(sessions.best),
        session_centroid=wholes(sessions.centroid),
        thread=wholes(sessions.thread),
    )


def _matched(view: QueryView, passage: Passage) -> list[int]:
    words = [0, 0]
    has = set(map(int, passage.terms))
    for place, term in enumerate(view.terms[:MATCHED_TERMS]):
        if int(term) in has:
            words[place // 64] |= 1 << place % 64
    return words
