"""What is told of a turn that can't be indexed."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.errors import UnavailableError
from memory.ledger import EVERY_TENANT
from memory.ledger.schema import outbox
from memory.scope import Scope
from retrieval.index.port import IndexedTurn
from tests.helpers import said
from tests.reliability.faults import opened

ADA = Scope("default", "ada", "s1")


@pytest.mark.parametrize(
    ("error", "told"),
    [(ValueError("can't parse 'my secret'"), "ValueError"), (UnavailableError("no answer"), "no answer")],
)
def test_errors_are_kept_without_what_they_quote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, told: str
) -> None:
    """Errors that aren't our own may hold anybody's text: only their kind is stored and logged."""

    def failing(_: Scope, __: Sequence[IndexedTurn]) -> None:
        raise error

    with opened(tmp_path / "data") as services:
        services.remember(ADA, [said("my secret")])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(services.index, "upsert", failing)
            services.indexer.step()
        with services.ledger.reading(EVERY_TENANT) as tx:
            assert tx.scalar(sa.select(outbox.c.error)) == told
    printed = capsys.readouterr()
    assert "indexer.put_off" in printed.out + printed.err
    assert "secret" not in printed.out + printed.err
