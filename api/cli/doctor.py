"""`satchel doctor`: is everything here, whole, and as it should be?"""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from rich.console import Console

from api.cli.shared import AsJson, Data, settings_with, show
from api.services import make_encoder
from api.settings import Settings
from api.stores import open_ledger
from api.version import VERSION
from memory.errors import SatchelError
from memory.ledger import outbox
from memory.ledger.schema import turns, users
from memory.ledger.tenancy import EVERY_TENANT
from memory.tokens import TokenCounter
from retrieval.embedded import EmbeddedIndex
from retrieval.passages.codec import default_codec
from retrieval.relevance.model import RelevanceModel


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, whether it passed, and what was found or what to do."""

    check: str
    ok: bool
    detail: str


def doctor(data: Data = None, *, as_json: AsJson = False) -> None:
    """Check files, settings and versions; the exit code is 4 if something needs a hand."""
    settings = settings_with(data=data)
    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("version", lambda _: VERSION),
        ("tokens", _tokens),
        ("encoder", _encoder),
        ("relevance model", lambda _: RelevanceModel.shipped().name),
        ("ledger", _ledger),
        ("index", _index),
    )
    findings = [_checked(name, check, settings) for name, check in checks]
    if as_json:
        show({"ok": all(one.ok for one in findings), "checks": [_shown(one) for one in findings]})
    else:
        out = Console()
        for one in findings:
            mark = "[green]ok[/]  " if one.ok else "[red]wrong[/]"
            out.print(f"{mark} [bold]{one.check}[/]: {one.detail}", highlight=False, soft_wrap=True)
    if not all(one.ok for one in findings):
        raise SystemExit(4)


def _checked(name: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(name, ok=True, detail=check(settings))
    except SatchelError as error:
        return Finding(name, ok=False, detail=str(error))


def _shown(finding: Finding) -> dict[str, object]:
    return {"check": finding.check, "ok": finding.ok, "detail": finding.detail}


def _tokens(settings: Settings) -> str:
    count = TokenCounter(settings.token_encoding).count("four words of text")
    return f"{settings.token_encoding}; four words are {count} tokens"


def _encoder(settings: Settings) -> str:
    encoder = make_encoder(settings)
    encoder.encode(["a sentence to encode"])
    return f"{encoder.id}, {encoder.dim} dimensions"


def _ledger(settings: Settings) -> str:
    with open_ledger(settings) as ledger, ledger.reading(EVERY_TENANT) as tx:
        if ledger.engine.dialect.name == "sqlite":
            found = tx.exec_driver_sql("PRAGMA integrity_check").scalar()
            if found != "ok":
                raise SatchelError(f"integrity check: {found}; restore a backup")
        people = tx.scalar(sa.select(sa.func.count()).select_from(users))
        kept = tx.scalar(sa.select(sa.func.count()).select_from(turns))
        return f"whole; {kept:,} turns of {people:,} users, {outbox.depth(tx):,} waiting for the index"


def _index(settings: Settings) -> str:
    if not EmbeddedIndex.exists(settings.data):
        return "none yet; made at the next start"
    encoder = make_encoder(settings)
    index = EmbeddedIndex(
        settings.data, encoder.id, encoder.dim, default_codec(encoder.dim), hot_bytes=settings.hot_bytes
    )
    index.close()
    return f"{index.settings.encoder}, {index.settings.codec}"
