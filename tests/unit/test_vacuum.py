"""What compacting a ledger on PostgreSQL does, and says that it did."""

import math

import pytest
import sqlalchemy as sa

from api.settings import Settings
from memory.ledger import Ledger
from memory.purge import Subject
from memory.purge.worker import Worker
from memory.scope import Scope
from tests.helpers import said
from tests.reliability.faults import opened

on_postgres = pytest.mark.parametrize("stored", ["postgresql"], indirect=True)
ADA = Scope("default", "ada", "s1")


@on_postgres
def test_a_log_that_the_role_may_not_renew(ledger: Ledger) -> None:
    """Tables are rewritten, and it is said what the log still holds."""
    assert ledger.compact() == (
        "VACUUM FULL; the server's write-ahead log holds them until its segments are used again"
    )


@on_postgres
def test_a_table_too_large_to_be_rewritten(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is vacuumed without being locked, and named."""
    seen: list[str] = []
    sa.event.listen(ledger.engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    sizes = "SELECT name, (name = 'turns')::int * 2 FROM unnest(CAST(:names AS text[])) AS t (name)"
    monkeypatch.setattr("memory.ledger.vacuum._SIZES", sizes)
    monkeypatch.setattr("memory.ledger.vacuum._REWRITABLE", 1)

    assert "but turns too large: dead rows stay there" in ledger.compact()
    assert {"VACUUM turns", "VACUUM (FULL) users"} <= set(seen)
    assert "VACUUM (FULL) turns" not in seen


def test_a_long_compaction_is_followed_by_a_rest(stored: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Purges that come meanwhile leave the index at once, and share the next compaction."""
    monkeypatch.setattr(Worker, "start", lambda _: None)
    monkeypatch.setattr("memory.purge.worker._LONG", 0.0)
    with opened(stored) as services:
        signer = services.purge.signer
        worker = Worker(services.ledger, services.index, stored.data, signer, backups=lambda _: {})
        for session in ("s1", "s2", "s3"):
            services.remember(Scope("default", "ada", session), [said(session)])
        while services.indexer.step():
            pass

        def begun(session: str) -> str:
            return services.purge.begin(Subject("default", "session", session), "test").id

        def statuses(*ids: str) -> set[str]:
            return {services.purge.receipt("default", receipt).status for receipt in ids}

        resting = worker._resting_until  # noqa: SLF001 - as below
        first = begun("s1")
        assert worker.step()
        assert statuses(first) == {"done"}

        assert worker._resting_until > resting  # noqa: SLF001 - what it rests for is told to nobody else
        monkeypatch.setattr(worker, "_resting_until", math.inf)
        later = [begun("s2"), begun("s3")]
        assert worker.step()
        assert not worker.step()
        assert statuses(*later) == {"running"}
        assert all(services.purge.receipt("default", one).work == {} for one in later)

        monkeypatch.setattr(worker, "_resting_until", 0.0)
        assert worker.step()
        assert statuses(*later) == {"done"}
