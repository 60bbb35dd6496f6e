"""The embedded index's file: derived from the ledger, every entry under a checksum."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa

from memory.errors import CorruptFileError, EncoderMismatchError
from memory.ledger.compaction import compact_sqlite
from memory.ledger.engine import reading, sqlite_engine, writing
from memory.ledger.erasing import chunks
from memory.ledger.held import held
from memory.scope import Scope
from retrieval.entry import checksum, packed, unpacked
from retrieval.index import IndexedTurn, IndexSettings

_tables = sa.MetaData()
_settings = sa.Table(
    "settings",
    _tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
_turns = sa.Table(
    "turns",
    _tables,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, primary_key=True),
    sa.Column("key", sa.BigInteger, primary_key=True),
    sa.Column("crc", sa.BigInteger, nullable=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
)


class Store:
    """Indexed turns on disk."""

    def __init__(self, path: Path, settings: IndexSettings, code_dim: int) -> None:
        """Open or make the file; raise `EncoderMismatchError` if it was built with other settings."""
        self._settings = settings
        self._code_dim = code_dim
        self._engine = sqlite_engine(path)
        with writing(self._engine) as tx:
            _tables.create_all(tx)
            found = {row.name: row.value for row in tx.execute(sa.select(_settings))}
            wanted = {name: str(value) for name, value in asdict(settings).items()}
            if not found:
                tx.execute(sa.insert(_settings), [{"name": n, "value": v} for n, v in wanted.items()])
            elif found != wanted:
                raise EncoderMismatchError(_difference(path, found, wanted))

    def put(self, scope: Scope, turns: Sequence[IndexedTurn]) -> None:
        """Keep turns, replacing those of the same key."""
        rows = []
        for turn in turns:
            entry = packed(turn)
            crc = checksum(scope, turn.key, entry)
            rows.append(
                {"tenant": scope.tenant, "user": scope.user, "key": turn.key, "crc": crc, "entry": entry}
            )
        with writing(self._engine) as tx:
            tx.execute(sa.insert(_turns).prefix_with("OR REPLACE"), rows)

    def all_of(self, scope: Scope) -> list[IndexedTurn]:
        """Return the user's turns by key; raise `CorruptFileError` where one fails its check."""
        return self._read(scope, _of(scope))

    def some_of(self, scope: Scope, keys: Collection[int]) -> Iterator[IndexedTurn]:
        """Yield those of the user's turns that are here; raises as `all_of` does."""
        for part in chunks(sorted(keys)):
            yield from self._read(scope, (*_of(scope), _turns.c.key.in_(part)))

    def _read(self, scope: Scope, where: tuple[sa.ColumnElement[bool], ...]) -> list[IndexedTurn]:
        query = sa.select(_turns.c.key, _turns.c.crc, _turns.c.entry).where(*where).order_by(_turns.c.key)
        with reading(self._engine) as tx:
            rows = tx.execute(query).all()
        for key, crc, entry in rows:
            if checksum(scope, key, entry) != crc:
                raise CorruptFileError(f"the index entry of turn {key} fails its checksum")
        return [unpacked(entry, self._settings.dim, self._code_dim) for _, _, entry in rows]

    def drop(self, scope: Scope, keys: Collection[int] | None) -> None:
        """Remove turns by key, or all of the user's."""
        where = _of(scope)
        parts = (
            [where] if keys is None else [(*where, _turns.c.key.in_(part)) for part in chunks(sorted(keys))]
        )
        with writing(self._engine) as tx:
            for part in parts:
                tx.execute(sa.delete(_turns).where(*part))

    def compact(self, *, thorough: bool) -> str:
        """Get dropped entries out of the file and its log; return in words how."""
        return compact_sqlite(self._engine, thorough=thorough)

    def held(self) -> Iterator[bytes]:
        """Yield all that is in the file now, as bytes, in parts."""
        with reading(self._engine) as tx:
            yield from held(tx, _tables)

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()


def _of(scope: Scope) -> tuple[sa.ColumnElement[bool], ...]:
    return (_turns.c.tenant == scope.tenant, _turns.c.user == scope.user)


def _difference(path: Path, found: dict[str, str], wanted: dict[str, str]) -> str:
    parts = [
        f"{name} {found.get(name)!r} instead of {value!r}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]
    return (
        f"{path.name} was built with {', '.join(parts)}. Start with the encoder it was built with, "
        f"or delete {path.name} (and its -wal and -shm): it is rebuilt from the ledger at the next start"
    )
