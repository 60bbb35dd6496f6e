"""Satchel itself: the service's own code, in this process, on a data folder of its own."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from api.services import Services, open_services
from api.settings import Settings
from api.stores import DEFAULT_TENANT
from eval.datasets.model import Query, Unit
from eval.datasets.turns import created_at, new_turn
from eval.systems.port import Delivered, Item, Means, Quality, SystemFailedError
from memory.errors import SatchelError
from memory.purge import Subject
from memory.scope import Scope
from memory.times import to_micros
from retrieval.finder import Wanted
from retrieval.relevance.model import RelevanceModel

_PURGE_SECONDS = 60


class Satchel:
    """Remembers and recalls through the use cases that the HTTP service calls, ledger and index on disk.

    A conversation is a user. A question is asked without a session, by its own time or else that of
    the newest unit it may see. Option `models`: a folder with CONVERSATION.npz, models that were fitted
    without that conversation, for data that the shipped model learned from.
    """

    name = "satchel"
    budgeted = True

    def __init__(self, means: Means) -> None:
        """Open a service in a new folder, which `close` removes."""
        self._stack = ExitStack()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="satchel-eval-"))
        settings = Settings(data=Path(folder))
        self._services: Services = self._stack.enter_context(open_services(settings, encoder=means.encoder))
        self._models = Path(means.options["models"]) if "models" in means.options else None
        self._shipped = RelevanceModel.shipped()
        self._users = 0
        self._begin()

    @property
    def settings(self) -> Mapping[str, Any]:
        if self._models is not None:
            return {"model": "one for each conversation, which it did not learn from"}
        return {"model": self._shipped.name}

    def start(self, conversation: str) -> None:
        """Begin a new user, with the model that never saw this conversation if `models` has one."""
        self._begin()
        if self._models is not None:
            model = RelevanceModel.load(self._models / f"{conversation}.npz")
            # The service has one model for its whole life; only a benchmark wants another.
            self._services.recall._model = model  # noqa: SLF001
            self._services.search._model = model  # noqa: SLF001

    def _begin(self) -> None:
        self._users += 1
        self._scope = Scope(DEFAULT_TENANT, f"user {self._users}")
        self._units: dict[int, str] = {}
        self._newest = 0

    def remember(self, units: Sequence[Unit]) -> None:
        """Remember turns session by session, and wait until they are indexed."""
        try:
            for session, group in groupby(units, key=lambda unit: unit.session):
                self._remember(session, list(group))
            self._services.drain()
        except SatchelError as error:
            raise SystemFailedError(f"remember: {error}") from error

    def context(self, query: Query, max_tokens: int) -> Delivered:
        """Return what `POST /v1/context` would."""
        try:
            found = self._services.recall(self._scope, self._wanted(query), max_tokens)
        except SatchelError as error:
            raise SystemFailedError(f"context: {error}") from error
        quality = found.choice.quality
        return Delivered(
            found.text,
            tuple(
                Item(
                    self._units[item.record.turn.id], item.record.spans, item.pick.relevance, item.pick.reason
                )
                for item in found.items
            ),
            Quality(
                quality.expected_recall,
                quality.expected_precision,
                quality.sufficient,
                quality.abstained,
                found.degraded,
            ),
        )

    def own_context(self, query: Query) -> Delivered | None:
        """Return nothing: the budget is the caller's, there is no default."""
        del query
        return None

    def ranking(self, query: Query, k: int) -> list[str]:
        """Return what `POST /v1/search` would."""
        try:
            found = self._services.search(self._scope, self._wanted(query), k)
        except SatchelError as error:
            raise SystemFailedError(f"search: {error}") from error
        return [self._units[hit.turn.id] for hit in found.hits]

    def forget(self) -> None:
        """Purge the user, and wait for the receipt to say that it is done."""
        tenant = self._scope.tenant
        receipt = self._services.purge.begin(Subject(tenant, "user", self._scope.user), "eval")
        deadline = time.monotonic() + _PURGE_SECONDS
        while receipt.status == "running":
            if time.monotonic() > deadline:
                raise SystemFailedError(f"the purge still runs after {_PURGE_SECONDS} s")
            time.sleep(0.02)
            receipt = self._services.purge.receipt(tenant, receipt.id)
        if receipt.status != "done":
            raise SystemFailedError(f"the purge ended as {receipt.status}: {receipt.error}")

    def folder(self) -> Path:
        """Return the data folder."""
        return self._services.settings.data

    def close(self) -> None:
        """Stop the service and remove its folder."""
        self._stack.close()

    def _remember(self, session: str, units: list[Unit]) -> None:
        # A name of its own for each user: two conversations may use the same session names.
        scope = Scope(self._scope.tenant, self._scope.user, f"{self._users} {session}")
        first = len(self._units)
        new = [new_turn(unit, first + place) for place, unit in enumerate(units)]
        remembered = self._services.remember(scope, new).turns
        self._units.update((turn.id, unit.id) for turn, unit in zip(remembered, units, strict=True))
        self._newest = created_at(units[-1], first + len(units) - 1)

    def _wanted(self, query: Query) -> Wanted:
        at = to_micros(datetime.fromisoformat(query.ts)) if query.ts else self._newest
        return Wanted(query.text, at=at)
