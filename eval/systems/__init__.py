"""Everything that can be judged, by name."""

from importlib import import_module

from eval.systems.peers.known import PEERS
from eval.systems.peers.system import PeerSystem
from eval.systems.port import Delivered, Item, Means, Quality, System, SystemFailedError
from memory.errors import InvalidInputError

__all__ = [
    "LEARNED",
    "OURS",
    "Delivered",
    "Item",
    "Means",
    "Quality",
    "System",
    "SystemFailedError",
    "make",
    "names",
]

# The service in each configuration; those that answer by a learned model take others of the kind.
OURS = ("satchel", "satchel-sum", "satchel-words", "satchel-cluster")
LEARNED = frozenset({"satchel", "satchel-words", "satchel-cluster"})
# Nobody else has any.
_OPTIONS = {name: ["min_relevance", *(["models"] if name in LEARNED else [])] for name in OURS}

# Modules are imported when asked for: a baseline needs no service, a peer no other peer.
_PLACES = {
    "satchel": ("satchel", "Satchel"),
    "satchel-sum": ("satchel_sum", "SatchelSum"),
    "satchel-words": ("satchel_words", "SatchelWords"),
    "satchel-cluster": ("satchel_cluster", "SatchelCluster"),
    "newest": ("newest", "Newest"),
    "random": ("random", "Random"),
    "bm25": ("bm25", "Bm25"),
    "dense": ("dense", "Dense"),
    "rrf": ("rrf", "ReciprocalRank"),
    "full": ("full", "FullHistory"),
}


def names() -> list[str]:
    """Return what `make` knows."""
    return [*_PLACES, *PEERS]


def make(name: str, means: Means) -> System:
    """Return a new system; raise `InvalidInputError` on an unknown name, or an option that it hasn't."""
    if name not in names():
        raise InvalidInputError(f"unknown system {name!r}; known: {', '.join(names())}")
    known = _OPTIONS.get(name, [])
    for option in means.options:
        if option not in known:
            told = " and ".join(known) or "none"
            raise InvalidInputError(f"{name} has no option {option!r}; it has {told}")
    if name in PEERS:
        return PeerSystem(name, means)
    module, maker = _PLACES[name]
    system: System = getattr(import_module(f"eval.systems.{module}"), maker)(means)
    return system
