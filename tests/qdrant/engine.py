"""Collections, each a shard of Qdrant's engine in a folder of its own, and the aliases they have."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from tests.qdrant.translate import Body, config, index_params


class MissingError(Exception):
    """There is no collection of that name."""


class ThereAlreadyError(Exception):
    """There is a collection of that name."""


class Collection:
    """A shard, and what it was made by.

    The engine holds Python's lock while it optimizes, which takes seconds for some thousand points: it is
    done where a server is asked for it by new settings, and with `eager` after every change. Then segments
    of that many KiB of vectors have graphs, however few points are a user's; and quantised vectors.
    """

    def __init__(self, folder: Path, made_by: Body, *, eager: int) -> None:
        folder.mkdir(parents=True)
        self.made_by = dict(made_by)
        self._folder = folder
        self._eager = eager
        self.shard = edge.EdgeShard.create(str(folder), config(self._wanted()))

    def apply(self, operation: edge.UpdateOperation) -> None:
        """Change points or indexes; done on return."""
        self.shard.update(operation)
        if self._eager:
            self.shard.optimize()

    def index(self, field: str, schema: Body) -> None:
        """Index a field of the payload; one that is indexed already stays as it is."""
        if field not in self.shard.info().payload_schema:
            self.apply(edge.UpdateOperation.create_field_index(field, index_params(schema)))

    def update(self, changed: Mapping[str, Body]) -> None:
        """Take new settings, and do what follows from them."""
        for part, settings in changed.items():
            self.made_by[part] = (self.made_by.get(part) or {}) | dict(settings)
        self.shard.close()
        self.shard = edge.EdgeShard.load(str(self._folder), config(self._wanted()))
        self.shard.optimize()
        self.shard.flush()

    def remove(self) -> None:
        """Delete all of it."""
        self.shard.close()
        shutil.rmtree(self._folder)

    def _wanted(self) -> dict[str, Any]:
        if not self._eager:
            return self.made_by
        hnsw = (self.made_by.get("hnsw_config") or {}) | {"full_scan_threshold": 1}
        small = {"indexing_threshold": self._eager, "default_segment_number": 1}
        optimizers = (self.made_by.get("optimizers_config") or {}) | small
        return self.made_by | {"hnsw_config": hnsw, "optimizers_config": optimizers}


class Engine:
    """All collections, in a folder. aliases: names of collections by alias. Not thread-safe."""

    def __init__(self, folder: Path, *, eager: int = 0) -> None:
        self.aliases: dict[str, str] = {}
        self._folder = folder
        self._eager = eager
        self._collections: dict[str, Collection] = {}

    def __getitem__(self, name: str) -> Collection:
        """Return the collection of this name or alias."""
        try:
            return self._collections[self.aliases.get(name, name)]
        except KeyError:
            raise MissingError(name) from None

    def __contains__(self, name: str) -> bool:
        return self.aliases.get(name, name) in self._collections

    def names(self) -> list[str]:
        """Return the names of all collections."""
        return list(self._collections)

    def create(self, name: str, body: Body) -> None:
        """Make a collection."""
        if name in self:
            raise ThereAlreadyError(name)
        self._collections[name] = Collection(self._folder / name, body, eager=self._eager)

    def delete(self, name: str) -> None:
        """Delete a collection, and its aliases."""
        self._collections.pop(name).remove()
        self.aliases = {alias: of for alias, of in self.aliases.items() if of != name}

    def rename(self, actions: Iterable[Mapping[str, Body]]) -> None:
        """Delete and give aliases, all or none."""
        after = dict(self.aliases)
        for action in actions:
            ((what, body),) = action.items()
            if what == "delete_alias":
                del after[body["alias_name"]]
            else:
                after[body["alias_name"]] = body["collection_name"]
        self.aliases = after

    def close(self) -> None:
        """Let go of the files."""
        for each in self._collections.values():
            each.shard.close()
