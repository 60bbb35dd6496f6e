"""Satchel itself: the service's own code, in this process, on a data folder of its own."""

import math
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
from memory.errors import InvalidInputError, SatchelError
from memory.purge import Subject
from memory.scope import Scope
from memory.times import to_micros
from retrieval.finder import Wanted
from retrieval.recall import Recall
from retrieval.relevance.model import RelevanceModel
from retrieval.search import Search

_PURGE_SECONDS = 60


class Satchel:
    """Remembers and recalls through the use cases that the HTTP service calls, ledger and index on disk.

    A conversation is a user. A question is asked without a session, by its own time or else that of
    the newest unit it may see. Option `models`: a folder with CONVERSATION.npz, models that were fitted
    without that conversation, for data that the shipped model learned from. Option `min_relevance`: as of
    `POST /v1/context`.
    """

    name = "satchel"
    budgeted = True

    def __init__(self, means: Means) -> None:
        """Open a service in a new folder, which `close` removes."""
        self._encoder = means.encoder
        self._models = Path(means.options["models"]) if "models" in means.options else None
        self._min_relevance = _share(means.options, "min_relevance")
        self._users = 0
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="satchel-eval-"))
            settings = self._stores(stack, Path(folder))
            self._services: Services = stack.enter_context(open_services(settings, encoder=means.encoder))
            self._finder = self._services.finder
            self._answer_by(RelevanceModel.shipped())
            self._stack = stack.pop_all()
        self._begin()

    @property
    def settings(self) -> Mapping[str, Any]:
        each = "one for each conversation, which it did not learn from"
        found: dict[str, Any] = {"model": each if self._models else self._model.name}
        return found if self._min_relevance is None else {**found, "min_relevance": self._min_relevance}

    def start(self, conversation: str) -> None:
        """Begin a new user, with the model that never saw this conversation if `models` has one."""
        self._begin()
        if self._models is not None:
            self._answer_by(RelevanceModel.load(self._models / f"{conversation}.npz"))

    def _stores(self, held: ExitStack, folder: Path) -> Settings:
        """Return settings for stores of its own, which `held` removes at the end.

        The environment of whoever evaluates may name the stores of a service in use: these are not touched.
        """
        del held
        return Settings(data=folder, database=None, qdrant_url=None)

    def _answer_by(self, model: RelevanceModel) -> None:
        """Recall and search by this model; the service has one for its whole life."""
        ledger, counter = self._services.ledger, self._services.counter
        self._model = model
        self._recall = Recall(ledger, self._finder, counter, model)
        self._search = Search(ledger, self._finder, model)

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
            found = self._recall(
                self._scope, self._wanted(query), max_tokens, min_relevance=self._min_relevance
            )
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
            found = self._search(self._scope, self._wanted(query), k)
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


def _share(options: Mapping[str, str], name: str) -> float | None:
    """Return an option that is a number from 0 to 1; None where it isn't given."""
    text = options.get(name)
    if text is None:
        return None
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise InvalidInputError(f"{name} must be a number from 0 to 1, not {text!r}")
    return share
