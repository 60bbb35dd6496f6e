"""Satchel as replicas run it: the ledger on PostgreSQL, the index on Qdrant."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from api.settings import Settings
from eval.systems.satchel import Satchel
from eval.systems.scratch import scratch_stores


class SatchelCluster(Satchel):
    """The service on the servers that SATCHEL_DATABASE and SATCHEL_QDRANT_URL name, as it is set.

    They come from the environment and not by options, which results tell of: a URL may hold a password.
    """

    name = "satchel-cluster"

    @property
    def settings(self) -> Mapping[str, Any]:
        patience = self._services.settings.qdrant_read_timeout
        return {
            **super().settings,
            "ledger": "postgresql",
            "index": "qdrant",
            "qdrant_read_timeout": patience,
        }

    def _stores(self, held: ExitStack, folder: Path) -> Settings:
        return held.enter_context(scratch_stores(Settings(), folder, self._encoder))
