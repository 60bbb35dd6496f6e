"""The embedded index's file: derived from the ledger, every entry under a checksum, and every user's too.

An entry that was changed fails its own check. One that a damaged key or tree hides from its user can't be
seen to be missing, so what each user has is counted and summed up beside the entries.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from memory.errors import CorruptFileError
from memory.ledger.chunks import chunks
from memory.ledger.compaction import compact_sqlite
from memory.ledger.engine import reading, sqlite_engine, writing
from memory.ledger.held import held
from memory.scope import Scope
from retrieval.embedded.file import TOTALS, damage_told, entries, prepare, settings_rows, sums, tables
from retrieval.index.entry import checksum, packed, unpacked
from retrieval.index.port import IndexedTurn, IndexSettings, Ints

_PAGE = 10_000
# Turns that are unpacked at once.
_PART = 4096


class Store:
    """Indexed turns on disk."""

    def __init__(self, path: Path, settings: IndexSettings, code_dim: int) -> None:
        """Open or make the file.

        Raises `EncoderMismatchError` if it was built with other settings, `CorruptFileError` if it is
        damaged where that can be seen without reading all of it.
        """
        self._settings = settings
        self._code_dim = code_dim
        self._engine = sqlite_engine(path)
        try:
            with self._writing() as tx:
                prepare(tx, path, {name: str(value) for name, value in asdict(settings).items()})
        except BaseException:
            self.close()
            raise

    @classmethod
    def found(cls, path: Path) -> Self | None:
        """Open a file with whatever settings it was built, for all but reading turns; None where none is."""
        if not path.exists():
            return None
        engine = sqlite_engine(path)
        try:
            with reading(engine) as tx:
                if not sa.inspect(tx).has_table(settings_rows.name):
                    return None
                named = {row.name: row.value for row in tx.execute(sa.select(settings_rows))}
        finally:
            engine.dispose()
        if not named:
            return None
        settings = IndexSettings(named["encoder"], int(named["dim"]), named["codec"], int(named["version"]))
        return cls(path, settings, 0)

    @property
    def settings(self) -> IndexSettings:
        """What the file was built with."""
        return self._settings

    def numbers(self) -> Ints:
        """Return the numbers of all turns that are here, int64 ascending."""
        with reading(self._engine) as tx:
            found = tx.scalars(sa.select(entries.c.key), execution_options={"yield_per": _PAGE})
            return np.sort(np.fromiter(found, np.int64))

    def drop_numbers(self, keys: Collection[int]) -> None:
        """Remove turns, whoever's they are."""
        mine: dict[Scope, list[int]] = {}
        with reading(self._engine) as tx:
            for part in chunks(sorted(keys)):
                whose = sa.select(entries.c.tenant, entries.c.user, entries.c.key).where(
                    entries.c.key.in_(part)
                )
                for tenant, user, key in tx.execute(whose):
                    mine.setdefault(Scope(tenant, user), []).append(key)
        for scope, numbers in mine.items():
            self.drop(scope, numbers)

    def entries(self, scope: Scope, keys: Collection[int]) -> Iterator[bytes]:
        """Yield what is kept of those of the user's turns that are here, as it is kept."""
        with reading(self._engine) as tx:
            for part in chunks(sorted(keys)):
                yield from tx.scalars(sa.select(entries.c.entry).where(*_of(scope), entries.c.key.in_(part)))

    def put(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        """Keep turns, replacing those of the same key."""
        rows, total = [], 0
        for turn in turns:
            entry = packed(turn)
            crc = checksum(scope, turn.key, entry)
            total += crc
            rows.append(
                {"tenant": scope.tenant, "user": scope.user, "key": turn.key, "crc": crc, "entry": entry}
            )
        with self._writing() as tx:
            self._remove(tx, scope, [turn.key for turn in turns])
            tx.execute(sa.insert(entries), rows)
            _count(tx, scope, len(rows), total)

    def size_of(self, scope: Scope) -> int:
        """Return how many turns of the user were written."""
        with self._reading() as tx:
            return tx.scalar(sa.select(sums.c.turns).where(*_of(scope, sums))) or 0

    def parts_of(self, scope: Scope) -> Iterator[list[IndexedTurn]]:
        """Yield all of the user's turns by key, some thousands at a time, as they were when it began.

        Raises `CorruptFileError`, at the end at the latest, unless they are whole, and all.
        """
        turns = total = 0
        with self._reading() as tx:
            expected = tx.execute(sa.select(sums.c.turns, sums.c.sum).where(*_of(scope, sums))).all()
            rows = tx.execute(_entries(_of(scope)), execution_options={"yield_per": _PART})
            for part in rows.partitions():
                turns += len(part)
                total += sum(row.crc for row in part)
                yield self._checked(scope, part)
        if ([(turns, total)] if turns else []) != [tuple(row) for row in expected]:
            raise CorruptFileError(f"{turns} index entries of a user are not all that were written")

    def some_of(self, scope: Scope, keys: Collection[int]) -> Iterator[IndexedTurn]:
        """Yield those of the user's turns that are here; raise `CorruptFileError` where one is damaged."""
        for part in chunks(sorted(keys)):
            with self._reading() as tx:
                rows = tx.execute(_entries((*_of(scope), entries.c.key.in_(part)))).all()
            yield from self._checked(scope, rows)

    def _checked(self, scope: Scope, rows: Sequence[sa.Row[*tuple[Any, ...]]]) -> list[IndexedTurn]:
        for key, crc, entry in rows:
            if not isinstance(entry, bytes) or checksum(scope, key, entry) != crc:
                raise CorruptFileError(f"the index entry of turn {key} fails its checksum")
        return [unpacked(entry, self._settings.dim, self._code_dim) for _, _, entry in rows]

    def drop(self, scope: Scope, keys: Collection[int] | None) -> None:
        """Remove turns by key, or all of the user's."""
        with self._writing() as tx:
            if keys is not None:
                self._remove(tx, scope, sorted(keys))
                return
            tx.execute(sa.delete(entries).where(*_of(scope)))
            tx.execute(sa.delete(sums).where(*_of(scope, sums)))

    def _remove(self, tx: sa.Connection, scope: Scope, keys: Sequence[int]) -> None:
        for part in chunks(keys):
            where = (*_of(scope), entries.c.key.in_(part))
            turns, total = tx.execute(sa.select(*TOTALS).where(*where)).one()
            if turns:
                tx.execute(sa.delete(entries).where(*where))
                _count(tx, scope, -turns, -total)

    def check(self) -> None:
        """Raise `CorruptFileError` unless the file's trees are sound, and say the same of every entry."""
        with self._reading() as tx:
            found = tx.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
        if found != "ok":
            raise CorruptFileError(f"the index file is damaged: {found}")

    def compact(self, *, thorough: bool) -> str:
        """Get dropped entries out of the file and its log; return in words how.

        Entries that damage took from their user are nobody's, and go too.
        """
        owned = sa.exists().where(sums.c.tenant == entries.c.tenant, sums.c.user == entries.c.user)
        with self._writing() as tx:
            tx.execute(sa.delete(entries).where(~owned))
        return compact_sqlite(self._engine, thorough=thorough)

    def held(self) -> Iterator[bytes]:
        """Yield all that is in the file now, as bytes, in parts."""
        with self._reading() as tx:
            yield from held(tx, tables)

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with damage_told(), reading(self._engine) as tx:
            yield tx

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with damage_told(), writing(self._engine) as tx:
            yield tx


def _of(scope: Scope, table: sa.Table = entries) -> tuple[sa.ColumnElement[bool], ...]:
    return (table.c.tenant == scope.tenant, table.c.user == scope.user)


def _entries(where: tuple[sa.ColumnElement[bool], ...]) -> sa.Select[Any]:
    return sa.select(entries.c.key, entries.c.crc, entries.c.entry).where(*where).order_by(entries.c.key)


def _count(tx: sa.Connection, scope: Scope, turns: int, total: int) -> None:
    """Note that a user has so many turns more, whose checksums add up to `total`."""
    added = sqlite_insert(sums).values(tenant=scope.tenant, user=scope.user, turns=turns, sum=total)
    tx.execute(
        added.on_conflict_do_update(
            index_elements=[sums.c.tenant, sums.c.user],
            set_={"turns": sums.c.turns + turns, "sum": sums.c.sum + total},
        )
    )
    tx.execute(sa.delete(sums).where(*_of(scope, sums), sums.c.turns == 0, sums.c.sum == 0))
